import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changeFields, changeMessages, contentField, readFields } from "./image-fields.ts";

/** CRIU's images/fdinfo.proto, fsnotify.proto and fh.proto: the fields that lead to the path of what is watched. */
const typeField = 1;
const inotifyType = 8;
const inotifyField = 13;
const watchField = 5;
const watch = { inode: 2, device: 5, handle: 7 };
const pathField = 4;

/** Where programs watch symbolic links: /etc/localtime is one, and systemd watches it. */
const linkFolder = "etc";
const minorBits = 20;

/** What is watched, where CRIU has found no path to it. */
interface Watched {
  inode: number;
  /** Number of its file system's device, as the kernel has it. */
  device: number;
}

/**
 * Gives watches on symbolic links (inotify(7), IN_DONT_FOLLOW) a path, which CRIU can't: it follows them (criu/fsnotify.c,
 * `alloc_openable`), and without a path it goes by the number of the inode, which is another one on another host. Restored, such a watch
 * is on what the link leads to.
 */
export function nameWatchedLinks(imagesFolder: string, initPid: number): void {
  const path = join(imagesFolder, "files.img");
  if (!existsSync(path)) return;
  const image = readFileSync(path);
  const named = nameWatchesIn(image, (watched) => linkPath(initPid, watched));
  if (!named.equals(image)) writeFileSync(path, named);
}

/** The image with paths for the watches that have none, where one is known. */
export function nameWatchesIn(image: Buffer, pathOf: (watched: Watched) => string | undefined): Buffer {
  return changeMessages(image, (file) => {
    if (readFields(file).get(typeField)?.value !== inotifyType) return file;
    return changeFields(file, inotifyField, (inotify) =>
      changeFields(inotify, watchField, (entry) => {
        const fields = readFields(entry);
        const handle = fields.get(watch.handle)?.bytes;
        if (handle === undefined || readFields(handle).has(pathField)) return entry;
        const inode = fields.get(watch.inode)?.value ?? 0;
        const path = pathOf({ inode, device: fields.get(watch.device)?.value ?? 0 });
        if (path === undefined) return entry;
        return changeFields(entry, watch.handle, (bytes) =>
          Buffer.concat([bytes, contentField(pathField, Buffer.from(path))]),
        );
      }),
    );
  });
}

/** The link on the server's own root file system with this inode. */
function linkPath(initPid: number, { inode, device }: Watched): string | undefined {
  if (device !== rootDevice(initPid)) return undefined;
  const folder = join(`/proc/${initPid}/root`, linkFolder);
  const found = readdirSync(folder, { withFileTypes: true }).find(
    (entry) => entry.isSymbolicLink() && lstatSync(join(folder, entry.name)).ino === inode,
  );
  return found === undefined ? undefined : `/${linkFolder}/${found.name}`;
}

/** The third field is the device, the fifth where it is mounted (proc_pid_mountinfo(5)). */
function rootDevice(pid: number): number | undefined {
  const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n");
  const root = mounts.map((line) => line.split(" ")).find((fields) => fields[4] === "/");
  const [major, minor] = root?.[2]?.split(":").map(Number) ?? [];
  return major === undefined || minor === undefined ? undefined : major * 2 ** minorBits + minor;
}
