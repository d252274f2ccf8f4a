import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { libcCall } from "../kernel/libc.ts";
import { readMigratability } from "./migratability.ts";

/** On x86-64 and on ARM (include/uapi/asm-generic/unistd.h). */
const ioUringSetup = 425;
const parametersBytes = 120;
const undo: (() => void)[] = [];

afterEach(() => {
  for (const step of undo.splice(0).toReversed()) step();
});

/** A cgroup as the kernel shows it: lists of processes, in folders. */
function cgroupOf(pids: number[], below: number[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), "cgroup-"));
  undo.push(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "below"));
  writeFileSync(join(folder, "cgroup.procs"), pids.map((pid) => `${pid}\n`).join(""));
  writeFileSync(join(folder, "below", "cgroup.procs"), below.map((pid) => `${pid}\n`).join(""));
  return folder;
}

async function start(command: string, ...parameters: string[]): Promise<number> {
  const child = spawn(command, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  undo.push(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child.pid ?? 0;
}

test("sees a namespace of its own in a cgroup below, and nothing in an ordinary process", async () => {
  const ordinary = await start("sh", "-c", "echo; exec sleep 1000");
  const nested = await start("unshare", "--uts", "sh", "-c", "echo; exec sleep 1000");
  expect(await readMigratability(cgroupOf([ordinary]), ordinary)).toEqual({ ok: true, reasons: [] });
  expect(await readMigratability(cgroupOf([ordinary], [nested]), ordinary)).toEqual({
    ok: false,
    reasons: [{ reason: "NestedNamespace", message: `process ${nested} (sleep) has a uts namespace of its own` }],
  });
});

test("sees io_uring", async () => {
  const setup = libcCall("long syscall(long number, uint entries, _Inout_ uint8_t *parameters)");
  const descriptor = setup("a ring", ioUringSetup, 1, Buffer.alloc(parametersBytes));
  undo.push(() => closeSync(descriptor));
  expect(readlinkSync(`/proc/self/fd/${descriptor}`)).toBe("anon_inode:[io_uring]");
  expect(await readMigratability(cgroupOf([process.pid]), process.pid)).toEqual({
    ok: false,
    reasons: [
      { reason: "IoUring", message: expect.stringMatching(/^process \d+ \(.+\) uses \[io_uring\]$/) as unknown },
    ],
  });
});

test("says nothing of a server that has ended", async () => {
  expect(await readMigratability(cgroupOf([]), 1)).toBeUndefined();
  expect(await readMigratability("/nowhere", 1)).toBeUndefined();
});
