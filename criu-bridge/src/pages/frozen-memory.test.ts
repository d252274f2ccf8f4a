import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { frameHeaderBytes } from "../stream/frame.ts";
import { FrozenMemory } from "./frozen-memory.ts";
import { pageBytes } from "./page-server-protocol.ts";
import { readPagesFrame } from "./pages-frame.ts";
import { readFileSync } from "node:fs";

/** First range of memory of a process of the system's that can be read. */
function rangeOf(pid: number): { address: number; pages: number } {
  const [, from = "", to = ""] = /^([0-9a-f]+)-([0-9a-f]+) r-xp/m.exec(readFileSync(`/proc/${pid}/maps`, "utf8")) ?? [];
  const address = Number.parseInt(from, 16);
  return { address, pages: Math.min((Number.parseInt(to, 16) - address) / pageBytes, 4) };
}

it("gives the pages that are wished for, urgent ones first, and says what can't be read", async () => {
  const sleeper = spawn("sleep", ["60"]);
  await new Promise((resolve) => sleeper.once("spawn", resolve));
  const { pid = 0 } = sleeper;
  await expect.poll(() => readFileSync(`/proc/${pid}/comm`, "utf8")).toBe("sleep\n");
  const sent: Buffer[] = [];
  const failures: Error[] = [];
  const memory = new FrozenMemory({
    processes: new Map([[1, pid]]),
    send: async (buffer) => void sent.push(Buffer.from(buffer.subarray(frameHeaderBytes))),
    failed: (error) => failures.push(error),
  });
  const range = rangeOf(pid);
  memory.give({ process: 1, ranges: [range], urgent: false });
  memory.give({ process: 1, ranges: [{ ...range, pages: 1 }], urgent: true });
  await expect.poll(() => sent.length).toBe(2);
  expect(sent.map((payload) => readPagesFrame(payload).pageCount)).toEqual([range.pages, 1]);
  expect(memory.sentPages).toBe(range.pages + 1);
  expect(() => memory.give({ process: 2, ranges: [range], urgent: true })).toThrow(/process 2/);
  memory.give({ process: 1, ranges: [{ address: pageBytes, pages: 1 }], urgent: true });
  await expect.poll(() => failures.length).toBe(1);
  memory.close();
  sleeper.kill("SIGKILL");
});
