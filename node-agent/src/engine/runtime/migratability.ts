import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Migratability } from "@vfleet/shared";

/** One process of a server, as `/proc/PID` shows it (proc(5)). */
export interface ProcessFacts {
  pid: number;
  /** Its number in each namespace that it is in, from this host's on. */
  pids: readonly number[];
  /** Of its program. */
  name: string;
  /** Namespace to its identity, such as `uts:[4026531838]`. */
  namespaces: Readonly<Record<string, string>>;
  /** 0: none. */
  tracerPid: number;
  /** What its descriptors refer to that is neither a file, a pipe nor a socket: the part after `anon_inode:`. */
  anonymous: readonly string[];
}

/** Of these a server has one each; CRIU dumps mount and network namespaces inside of it, too (criu/namespaces.c, `CLONE_SUBNS`). */
const singleNamespaces = ["uts", "ipc", "pid", "user", "time"] as const;
/** Kinds of descriptor without a name that CRIU has a dump for (criu/files.c, `dump_one_file`). */
const dumpable = new Set([
  "[eventfd]",
  "[eventpoll]",
  "inotify",
  "[fanotify]",
  "[signalfd]",
  "[timerfd]",
  "[pidfd]",
  "bpf-map",
]);
/** A program that is about to be started in a server: runc's own process until then, on its way into the server's namespaces. */
const entering = /^runc:\[/;
/** A large server's message must stay readable. */
const shownMax = 5;

/**
 * What a server holds now that CRIU can't dump. Only what can be seen from outside, without stopping it: that nothing is found is no
 * promise. Pure.
 */
export function migratabilityOf(
  init: ProcessFacts,
  { processes, fileSystems }: { processes: readonly ProcessFacts[]; fileSystems: readonly string[] },
): Migratability {
  // By the number that the server's own users see.
  const shown = ({ pid, pids, name }: ProcessFacts) => `process ${pids[init.pids.length - 1] ?? pid} (${name})`;
  const settled = processes.filter(({ name }) => !entering.test(name));
  const shownByPid = new Map(settled.map((process) => [process.pid, shown(process)]));
  const found = [
    ...fileSystems
      .filter((type) => type === "fuse" || type.startsWith("fuse."))
      .map((type) => ({ reason: "FuseMount", message: `a ${type} file system is mounted in it` })),
    ...settled.flatMap((process) => [
      ...process.anonymous
        .filter((kind) => !dumpable.has(kind))
        .map((kind) => ({ reason: descriptorReason(kind), message: `${shown(process)} uses ${kind}` })),
      ...singleNamespaces
        .filter((name) => isOther(process.namespaces[name], init.namespaces[name]))
        .map((name) => ({
          reason: "NestedNamespace",
          message: `${shown(process)} has a ${name} namespace of its own`,
        })),
      // One from outside is this host's own affair: CRIU itself is one.
      ...[shownByPid.get(process.tracerPid) ?? []]
        .flat()
        .map((tracer) => ({ reason: "Traced", message: `${shown(process)} is traced by ${tracer}` })),
    ]),
  ];
  const unique = found.filter(({ message }, index) => found.findIndex((other) => other.message === message) === index);
  return { ok: unique.length === 0, reasons: unique.slice(0, shownMax) };
}

/** Reads all processes of a cgroup and those below it; none where the server is gone or its first process is. */
export async function readMigratability(
  cgroupFolder: string,
  initPid: number,
  procFolder = "/proc",
): Promise<Migratability | undefined> {
  const pids = await pidsBelow(cgroupFolder);
  const processes: ProcessFacts[] = [];
  // One after the other: the agent has better things to do.
  for (const pid of pids) {
    const facts = await readProcessFacts(pid, procFolder);
    if (facts !== undefined) processes.push(facts);
  }
  const init = processes.find(({ pid }) => pid === initPid);
  if (init === undefined) return undefined;
  const mounts = await readFile(join(procFolder, String(initPid), "mountinfo"), "utf8").catch(() => "");
  return migratabilityOf(init, { processes, fileSystems: fileSystemsOf(mounts) });
}

/** None where it has ended meanwhile. */
async function readProcessFacts(pid: number, procFolder: string): Promise<ProcessFacts | undefined> {
  const folder = join(procFolder, String(pid));
  try {
    const [status, descriptors, ...identities] = await Promise.all([
      readFile(join(folder, "status"), "utf8"),
      readdir(join(folder, "fd")),
      ...singleNamespaces.map((name) => readlink(join(folder, "ns", name)).catch(() => "")),
    ]);
    const links = await Promise.all(descriptors.map((name) => readlink(join(folder, "fd", name)).catch(() => "")));
    return {
      pid,
      pids: numbersOf(/^NSpid:\s*(.*)$/m.exec(status)?.[1]),
      name: /^Name:\s*(.*)$/m.exec(status)?.[1] ?? "",
      namespaces: Object.fromEntries(singleNamespaces.map((name, index) => [name, identities[index] ?? ""])),
      tracerPid: Number(/^TracerPid:\s*(\d+)$/m.exec(status)?.[1] ?? 0),
      anonymous: links.flatMap((link) => (link.startsWith("anon_inode:") ? [link.slice("anon_inode:".length)] : [])),
    };
  } catch {
    return undefined;
  }
}

/** The type stands behind the separator (proc_pid_mountinfo(5)). */
function fileSystemsOf(mountinfo: string): string[] {
  return mountinfo.split("\n").flatMap((line) => / - (\S+) /.exec(line)?.[1] ?? []);
}

async function pidsBelow(cgroupFolder: string): Promise<number[]> {
  const [text, entries] = await Promise.all([
    readFile(join(cgroupFolder, "cgroup.procs"), "utf8").catch(() => ""),
    readdir(cgroupFolder, { withFileTypes: true }).catch(() => []),
  ]);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(cgroupFolder, name));
  const below = await Promise.all(folders.map((folder) => pidsBelow(folder)));
  return [...numbersOf(text), ...below.flat()];
}

function numbersOf(text = ""): number[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== "")
    .map(Number);
}

function descriptorReason(kind: string): string {
  return kind === "[io_uring]" ? "IoUring" : "UnsupportedDescriptor";
}

function isOther(identity: string | undefined, init: string | undefined): boolean {
  return identity !== undefined && identity !== "" && init !== undefined && init !== "" && identity !== init;
}
