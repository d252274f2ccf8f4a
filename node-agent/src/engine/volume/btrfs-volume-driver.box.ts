import { equal } from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { systemEnvironment } from "@vfleet/shared";
import { runBoxChecks } from "../../checks/box-check.ts";
import type { BoxCheck } from "../../checks/box-check.ts";
import { mountDisk, mountRun } from "../../checks/box-disk.ts";
import { mountIdmapped } from "../kernel/idmapped-mount.ts";
import { BtrfsVolumeDriver } from "./btrfs-volume-driver.ts";
import { volumeDriverContract } from "./volume-driver.contract.ts";

const folders = ["/run/one", "/run/two"] as const;
const [driver, other] = folders.map((folder) => new BtrfsVolumeDriver(folder, systemEnvironment)) as [
  BtrfsVolumeDriver,
  BtrfsVolumeDriver,
]; // two folders, two drivers

export const checks: BoxCheck[] = [
  ...volumeDriverContract({ driver: () => driver, other: () => other }),
  {
    name: "shows its files under a server's own ids where it is mounted so",
    run: async () => {
      const draft = await driver.draftImage();
      writeFileSync(`${draft.folder}/file`, "");
      mkdirSync("/run/mounted");
      await mountIdmapped({ source: draft.folder, target: "/run/mounted", blockStart: 1_000_000_000 });
      equal(statSync("/run/mounted/file").uid, 1_000_000_000);
      equal(statSync(`${draft.folder}/file`).uid, 0);
    },
  },
];

if (import.meta.main) {
  await mountRun();
  for (const folder of folders) await mountDisk(folder, 1 << 30);
  await driver.open();
  await other.open();
  await runBoxChecks(checks);
}
