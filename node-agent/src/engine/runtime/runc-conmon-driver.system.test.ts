import { testsInBox } from "../../checks/box-tests.fixture.ts";
import { checks } from "./runc-conmon-driver.box.ts";

testsInBox("runc and conmon driver", new URL("runc-conmon-driver.box.ts", import.meta.url), checks);
