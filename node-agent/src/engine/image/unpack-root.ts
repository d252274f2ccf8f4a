/**
 * Child process: unpacks the tar on standard input into the folder it was given, which it can't leave: it makes that its
 * root before it reads a byte. Started with only the capabilities that ownership and modes need. Exits 0, or 1 with
 * one JSON line of what was wrong on standard error.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { extract } from "tar-stream";
import type { Header } from "tar-stream";
import { libcCall } from "../kernel/libc.ts";
import { archiveLimits } from "./archive-limits.ts";
import { judgeMember } from "./archive-member.ts";

class MemberRefused extends Error {
  readonly member: string;
  constructor(member: string, rule: string) {
    super(rule);
    this.member = member;
  }
}

const [folder = ""] = process.argv.slice(2);
let members = 0;
let contentBytes = 0;

try {
  enter(folder);
  await unpack();
} catch (thrown) {
  const member = thrown instanceof MemberRefused ? thrown.member : "";
  process.stderr.write(
    `${JSON.stringify({ member, rule: thrown instanceof Error ? thrown.message : String(thrown) })}\n`,
  );
  process.exit(1);
}

function enter(root: string): void {
  if (readdirSync(root).length > 0) throw new Error("the folder to unpack into is not empty");
  process.chdir(root);
  libcCall("int chroot(const char *path)")(root, ".");
  process.umask(0);
}

async function unpack(): Promise<void> {
  const archive = extract();
  process.stdin.pipe(archive);
  process.stdin.once("error", (error) => archive.destroy(error));
  for await (const entry of archive) {
    members += 1;
    contentBytes += entry.header.size ?? 0;
    if (members > archiveLimits.members)
      throw new MemberRefused(entry.header.name, `the archive has more than ${archiveLimits.members} members`);
    if (contentBytes > archiveLimits.contentBytes)
      throw new MemberRefused(entry.header.name, `the archive holds more than ${archiveLimits.contentBytes} bytes`);
    const descriptor = place(entry.header);
    if (descriptor === undefined) {
      entry.resume();
      continue;
    }
    for await (const chunk of entry as AsyncIterable<Buffer>) writeWhole(descriptor, chunk);
    closeSync(descriptor);
    finish(entry.header, `/${judged(entry.header).take}`);
  }
}

/** Makes the member; a file's descriptor is returned, to be filled. */
function place(header: Header): number | undefined {
  const verdict = judge(header);
  if ("skip" in verdict) return undefined;
  const path = `/${verdict.take}`;
  requireRealFolders(header.name, path);
  if (header.type === "directory") {
    if (path !== "/" && !isRealFolder(path)) mkdirSync(path);
    finish(header, path);
    return undefined;
  }
  rmSync(path, { force: true });
  if (header.type === "symlink") {
    symlinkSync(verdict.link ?? "", path);
    lchownSync(path, header.uid ?? 0, header.gid ?? 0);
    touch(header, path);
    return undefined;
  }
  if (header.type === "link") {
    requireRealFolders(header.name, `/${verdict.link ?? ""}`);
    linkSync(`/${verdict.link ?? ""}`, path);
    return undefined;
  }
  return openSync(path, "wx", 0o600);
}

function judge(header: Header) {
  const verdict = judgeMember(
    {
      name: header.name,
      type: header.type ?? "file",
      size: header.size ?? 0,
      uid: header.uid ?? 0,
      gid: header.gid ?? 0,
      linkname: header.linkname ?? null,
    },
    archiveLimits,
  );
  if ("refuse" in verdict) throw new MemberRefused(header.name, verdict.refuse);
  return verdict;
}

function judged(header: Header): { take: string } {
  const verdict = judge(header);
  if ("skip" in verdict) throw new MemberRefused(header.name, verdict.skip);
  return verdict;
}

function finish(header: Header, path: string): void {
  chownSync(path, header.uid ?? 0, header.gid ?? 0);
  // After the owner: changing that takes setuid away.
  chmodSync(path, (header.mode ?? 0o755) & 0o7777);
  touch(header, path);
}

function touch(header: Header, path: string): void {
  const time = header.mtime ?? new Date(0);
  lutimesSync(path, time, time);
}

/** Nothing is written through a link that an earlier member made. */
function requireRealFolders(member: string, path: string): void {
  for (let parent = dirname(path); parent !== "/"; parent = dirname(parent)) {
    const found = lstatSync(parent, { throwIfNoEntry: false });
    if (found === undefined) {
      mkdirSync(parent, { recursive: true, mode: 0o755 });
    } else if (!found.isDirectory()) throw new MemberRefused(member, `"${parent.slice(1)}" on its way is not a folder`);
  }
}

function isRealFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function writeWhole(descriptor: number, chunk: Buffer): void {
  for (let written = 0; written < chunk.length;) written += writeSync(descriptor, chunk, written);
}
