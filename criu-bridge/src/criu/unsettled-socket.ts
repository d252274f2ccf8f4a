import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { RuncContainer } from "../session/ports.ts";
import { readContainerRecord } from "./container-record.ts";

const execute = promisify(execFile);
/** Whoever listens here asks for its senders' credentials, which CRIU can't dump beside what was not read yet. */
const credentialFolder = "/run/systemd/";
const listLimitBytes = 16 * 1024 * 1024;

/**
 * What of a frozen server's Unix sockets CRIU would refuse, and passes as soon as the tasks run: a connection that nobody has accepted, with data
 * in it or closed again; and unread words to its init system. Most servers have nothing like it, which costs them one look into a file.
 */
export async function unsettledSocket(container: RuncContainer, searchPath: string): Promise<string | undefined> {
  const pid = readContainerRecord(container)?.init_process_pid;
  if (pid === undefined) return undefined;
  const table = await readFile(`/proc/${pid}/net/unix`, "utf8");
  if (hasClosed(table)) return "a connection that is not accepted yet was closed";
  const isUnaccepted = hasUnaccepted(table);
  if (!isUnaccepted && !table.includes(` ${credentialFolder}`)) return undefined;
  const { stdout: list } = await execute("nsenter", [`--net=/proc/${pid}/ns/net`, "ss", "-Hxan"], {
    env: { PATH: searchPath },
    maxBuffer: listLimitBytes,
  });
  if (isUnaccepted && hasEarlyData(list)) return "a connection that is not accepted yet has data";
  const unread = unreadName(list);
  return unread === undefined ? undefined : `${unread} has unread messages`;
}

/** Of a table of Unix sockets (proc(5), /proc/net/unix): one in state 2 without an inode belongs to no file yet. */
export function hasUnaccepted(table: string): boolean {
  return /^\S+: \S+ \S+ \S+ \S+ 02 +0(?: |$)/m.test(table);
}

/** The same, where the other end doesn't refer to it any more. */
export function hasClosed(table: string): boolean {
  return /^\S+: 0*2 \S+ \S+ \S+ 02 +0(?: |$)/m.test(table);
}

/** Of what ss(8) lists: something sent by a client whose peer has no inode. */
export function hasEarlyData(list: string): boolean {
  return /^u_s\S+ +ESTAB +\d+ +[1-9]\d* .* \* 0 *$/m.test(list);
}

/** Of the same: an init system's socket with something in its queue. */
export function unreadName(list: string): string | undefined {
  return new RegExp(`^u_\\S+ +(?!LISTEN)\\S+ +[1-9]\\d* +\\d+ +(${credentialFolder}\\S+)`, "m").exec(list)?.[1];
}
