import { testsInBox } from "../checks/box-tests.fixture.ts";
import { checks } from "./checkpoints.box.ts";

testsInBox("checkpoints of a node", new URL("checkpoints.box.ts", import.meta.url), checks);
