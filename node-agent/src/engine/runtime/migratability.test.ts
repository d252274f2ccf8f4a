import { describe, expect, test } from "vitest";
import type { ProcessFacts } from "./migratability.ts";
import { migratabilityOf } from "./migratability.ts";

const namespaces = { uts: "uts:[1]", ipc: "ipc:[1]", pid: "pid:[1]", user: "user:[1]", time: "time:[1]" };
const init: ProcessFacts = { pid: 10, pids: [10, 1], name: "init", namespaces, tracerPid: 0, anonymous: [] };
const other = (changes: Partial<ProcessFacts>): ProcessFacts => ({
  ...init,
  pid: 11,
  pids: [11, 2],
  name: "web",
  ...changes,
});
const nothing = { fileSystems: ["btrfs", "proc", "fusectl"] };

describe("migratabilityOf", () => {
  test("finds nothing in an ordinary server", () => {
    const processes = [init, other({ anonymous: ["[eventpoll]", "inotify", "[timerfd]", "[pidfd]"] })];
    expect(migratabilityOf(init, { ...nothing, processes })).toEqual({ ok: true, reasons: [] });
  });

  test.each<[string, ProcessFacts, object]>([
    [
      "io_uring",
      other({ anonymous: ["[io_uring]"] }),
      { reason: "IoUring", message: "process 2 (web) uses [io_uring]" },
    ],
    [
      "another descriptor that has no dump",
      other({ anonymous: ["[perf_event]"] }),
      { reason: "UnsupportedDescriptor", message: "process 2 (web) uses [perf_event]" },
    ],
    [
      "a nested namespace",
      other({ namespaces: { ...namespaces, uts: "uts:[2]" } }),
      { reason: "NestedNamespace", message: "process 2 (web) has a uts namespace of its own" },
    ],
    [
      "a process that another one traces",
      other({ tracerPid: 10 }),
      { reason: "Traced", message: "process 2 (web) is traced by process 1 (init)" },
    ],
  ])("finds %s", (_what, process, reason) =>
    expect(migratabilityOf(init, { ...nothing, processes: [init, process] })).toEqual({ ok: false, reasons: [reason] }),
  );

  test("takes no program on its way in for one of the server's own", () => {
    const entering = other({ name: "runc:[2:INIT]", namespaces: { ...namespaces, time: "time:[2]" } });
    expect(migratabilityOf(init, { ...nothing, processes: [init, entering] }).ok).toBe(true);
  });

  test("finds a mount in user space", () =>
    expect(migratabilityOf(init, { processes: [init], fileSystems: ["fuse.sshfs"] }).reasons).toEqual([
      { reason: "FuseMount", message: "a fuse.sshfs file system is mounted in it" },
    ]));

  test.each<[string, ProcessFacts]>([
    ["a tracer outside of the server: it is a dump, or the operator's", other({ tracerPid: 4000 })],
    ["a namespace that can't be read", other({ namespaces: { ...namespaces, pid: "" } })],
  ])("doesn't count %s", (_what, process) =>
    expect(migratabilityOf(init, { ...nothing, processes: [init, process] }).ok).toBe(true),
  );

  test("names each once, and few of many", () => {
    const many = Array.from({ length: 50 }, (_each, index) =>
      other({ pid: 100 + index, pids: [100 + index, index], anonymous: ["[io_uring]", "[io_uring]"] }),
    );
    const { reasons } = migratabilityOf(init, { ...nothing, processes: many });
    expect(reasons.map(({ message }) => message)).toEqual(
      [0, 1, 2, 3, 4].map((pid) => `process ${pid} (web) uses [io_uring]`),
    );
  });
});
