import { testsInBox } from "../checks/box-tests.fixture.ts";
import { checks } from "./fencing.box.ts";

testsInBox("fencing", new URL("fencing.box.ts", import.meta.url), checks);
