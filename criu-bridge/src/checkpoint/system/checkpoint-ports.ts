import { existsSync, mkdirSync, renameSync } from "node:fs";
import { processesOf } from "../../criu/container-tasks.ts";
import { hostFolders, network } from "../../session/system/host-folders.ts";
import { containerOf } from "../../session/system/host-ports.ts";
import { run, runSilently } from "../../session/system/run.ts";
import type { RestorePorts, TakePorts } from "../checkpoint-ports.ts";

/** Real runc, btrfs and veth, as simple as they can be. */
export function takePorts(box: string, host: string, id: string): TakePorts {
  const folders = hostFolders(box, host);
  const snapshot = snapshotOf(box, host, id);
  return {
    container: containerOf(box, host),
    volume: {
      settle: async () => void (await run("sync", "--file-system", folders.live)),
      snapshot: async () => {
        mkdirSync(`${folders.volumes}/checkpoints`, { recursive: true });
        await run("btrfs", "subvolume", "snapshot", "-r", folders.live, snapshot);
        return id;
      },
      usageBytes: async () => Number((await run("du", "-sb", folders.live)).split("\t")[0]),
      discard: async () => {
        if (existsSync(snapshot)) await run("btrfs", "subvolume", "delete", snapshot);
      },
    },
  };
}

export function restorePorts(box: string, host: string): RestorePorts {
  const folders = hostFolders(box, host);
  const aside = `${folders.volumes}/aside`;
  const remove = async () => void (await run("runc", "--root", folders.runtimeRoot, "delete", "--force", "web"));
  const container = containerOf(box, host);
  return {
    container,
    stop: async () => {
      await remove();
      if (processesOf(container).size > 0) throw new Error("it goes on");
    },
    volume: {
      replace: async (snapshot) => {
        renameSync(folders.live, aside);
        await run("btrfs", "subvolume", "snapshot", snapshotOf(box, host, snapshot), folders.live);
      },
      putBack: async () => {
        if (!existsSync(aside)) return;
        if (existsSync(folders.live)) await run("btrfs", "subvolume", "delete", folders.live);
        renameSync(aside, folders.live);
      },
      release: async () => void (await run("btrfs", "subvolume", "delete", aside)),
    },
    restore: (request) =>
      runSilently(
        "runc",
        "--root",
        folders.runtimeRoot,
        "restore",
        "--detach",
        "--bundle",
        folders.bundle,
        ...request.arguments,
        "web",
      ),
    discardContainer: remove,
    attach: async () => void (await run("ip", "link", "set", `ve-${host}`, "master", network.bridge, "up")),
  };
}

function snapshotOf(box: string, host: string, id: string): string {
  return `${hostFolders(box, host).volumes}/checkpoints/${id}`;
}
