import { describe, expect, test } from "vitest";
import type { ProcessFacts } from "./migratability.ts";
import { migratabilityOf } from "./migratability.ts";

const namespaces = { uts: "uts:[1]", ipc: "ipc:[1]", pid: "pid:[1]", user: "user:[1]", time: "time:[1]" };
const init: ProcessFacts = { pid: 10, namespaces, tracerPid: 0, anonymous: [] };
const other = (changes: Partial<ProcessFacts>): ProcessFacts => ({ ...init, pid: 11, ...changes });
const nothing = { fileSystems: ["btrfs", "proc", "fusectl"] };

describe("migratabilityOf", () => {
  test("finds nothing in an ordinary server", () => {
    const processes = [init, other({ anonymous: ["[eventpoll]", "inotify", "[timerfd]", "[pidfd]"] })];
    expect(migratabilityOf(init, { ...nothing, processes })).toEqual({ ok: true, reasons: [] });
  });

  test.each<[string, ProcessFacts, object]>([
    ["io_uring", other({ anonymous: ["[io_uring]"] }), { reason: "IoUring", message: "process 11 uses [io_uring]" }],
    [
      "another descriptor that has no dump",
      other({ anonymous: ["[perf_event]"] }),
      { reason: "UnsupportedDescriptor", message: "process 11 uses [perf_event]" },
    ],
    [
      "a nested namespace",
      other({ namespaces: { ...namespaces, uts: "uts:[2]" } }),
      { reason: "NestedNamespace", message: "process 11 has a uts namespace of its own" },
    ],
    [
      "a process that another one traces",
      other({ tracerPid: 10 }),
      { reason: "Traced", message: "process 11 is traced by process 10" },
    ],
  ])("finds %s", (_what, process, reason) =>
    expect(migratabilityOf(init, { ...nothing, processes: [init, process] })).toEqual({ ok: false, reasons: [reason] }),
  );

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
      other({ pid: 100 + index, anonymous: ["[io_uring]", "[io_uring]"] }),
    );
    const { reasons } = migratabilityOf(init, { ...nothing, processes: many });
    expect(reasons.map(({ message }) => message)).toEqual(
      [100, 101, 102, 103, 104].map((pid) => `process ${pid} uses [io_uring]`),
    );
  });
});
