import { testsInBox } from "../../checks/box-tests.fixture.ts";
import { checks } from "./btrfs-volume-driver.box.ts";

testsInBox("btrfs volume driver", new URL("btrfs-volume-driver.box.ts", import.meta.url), checks);
