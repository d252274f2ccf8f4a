import { testsInBox } from "../../checks/box-tests.fixture.ts";
import { checks } from "./bridge-network-driver.box.ts";

testsInBox("bridge network driver, two hosts", new URL("bridge-network-driver.box.ts", import.meta.url), checks);
