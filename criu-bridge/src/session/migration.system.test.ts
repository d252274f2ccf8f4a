import { expect, test } from "vitest";
import type { MoveMode } from "@vfleet/shared";
import type { Deaths, Move } from "./system/box.ts";
import { inBox as runInBox } from "./system/in-box.ts";

function inBox(scenario: string, megabytes: number, mode: MoveMode): Promise<{ moves: Move[]; deaths?: Deaths }> {
  return runInBox({ scenario, megabytes, mode, appendOnly: true, timeoutMs: 55_000 });
}

async function moved(scenario: string, megabytes: number, mode: MoveMode): Promise<Move[]> {
  return (await inBox(scenario, megabytes, mode)).moves;
}

const modes: MoveMode[] = ["StopAndCopy", "Postcopy"];

test.each(modes)(
  "%s: a server goes there and back twice with a client on one connection, and neither increment nor value is lost",
  async (mode) => {
    const all = await moved("there-and-back", 16, mode);
    expect(all.map(({ from, to }) => from + to)).toEqual(["ab", "ba", "ab", "ba"]);
    let answers = 0;
    for (const move of all) {
      expect([move.source.error, move.target.error, move.client.error]).toEqual([undefined, undefined, undefined]);
      expect([move.source.phase, move.target.phase]).toEqual(["done", "done"]);
      expect([move.client.gaps, move.intact]).toEqual([0, true]);
      expect(move.client.answers).toBeGreaterThan(answers);
      expect(move.source.memoryBytes).toBeGreaterThan(16 * 1024 * 1024);
      expect(move.source.pauseMs).toBeGreaterThan(0);
      expect(move.tasks[move.from]).toBe(0);
      answers = move.client.answers;
    }
  },
);

test.each(
  modes.flatMap((mode) => [
    [mode, "the source refuses at its gate", "source-veto", "failpoint"] as const,
    [mode, "the target refuses at its gate", "target-veto", "target-refused"] as const,
  ]),
)("%s, %s: the server runs on where it was with its client, and can be moved afterwards", async (...about) => {
  const [mode, , scenario, code] = about;
  const [refused, again] = await moved(scenario, 4, mode);
  expect([refused?.source.phase, refused?.target.phase]).toEqual(["failed", "failed"]);
  expect(refused?.source.error?.code).toBe(code);
  expect([refused?.client.error, refused?.client.gaps, refused?.intact]).toEqual([undefined, 0, true]);
  expect(refused?.tasks["b"]).toBe(0);
  expect([again?.source.phase, again?.target.phase]).toEqual(["done", "done"]);
  expect([again?.client.error, again?.client.gaps, again?.intact]).toEqual([undefined, 0, true]);
  expect(again?.client.answers).toBeGreaterThan(refused?.client.answers ?? Number.POSITIVE_INFINITY);
});

test("Postcopy, the stream breaks while the memory is filled: the server is lost, that is said, and nothing of it runs anywhere", async () => {
  const [lost] = await moved("cut-filling", 16, "Postcopy");
  expect([lost?.source.phase, lost?.target.phase]).toEqual(["failed", "failed"]);
  expect([lost?.source.error?.code, lost?.target.error?.code]).toEqual(["post-copy-lost", "post-copy-lost"]);
  expect(lost?.client.error).toBeDefined();
  expect(lost?.tasks).toEqual({ a: 0, b: 0 });
});

test.each([
  ["source", "a"],
  ["target", "b"],
])("Postcopy, the %s's agent dies while the memory is filled: nothing of the server is left running", async (side) => {
  const { deaths } = await inBox(`${side}-agent-dies`, 256, "Postcopy");
  expect([deaths?.survivor?.phase, deaths?.survivor?.error?.code]).toEqual(["failed", "post-copy-lost"]);
  // Nobody else kills them: at the source they stay frozen, at the target they wait for their pages.
  expect(deaths?.before[side === "source" ? "a" : "b"]).toBeGreaterThan(0);
  expect([deaths?.outcome, deaths?.loss]).toEqual(["committed", side === "target" ? "post-copy-lost" : undefined]);
  expect(deaths?.after).toEqual({ a: 0, b: 0 });
});

test("the target's agent dies once the restored server is its own: the next one lets it run, with its limits and all of its memory", async () => {
  const { deaths } = await inBox("target-dies-at-gate", 16, "StopAndCopy");
  expect(deaths?.before["b"]).toBeGreaterThan(0);
  expect([deaths?.outcome, deaths?.loss, deaths?.intact]).toEqual(["committed", undefined, true]);
  expect(deaths?.after).toEqual({ a: 0, b: deaths?.before["b"] });
  expect(deaths?.cgroupLimit).toBe("3");
});

test("what fills a restored server dies while no agent is there, before the commit: the server runs on where it was", async () => {
  const { deaths } = await inBox("filler-dies-before-commit", 16, "StopAndCopy");
  expect(deaths?.before["b"]).toBeGreaterThan(0);
  expect([deaths?.outcome, deaths?.loss, deaths?.intact]).toEqual(["aborted", undefined, true]);
  expect(deaths?.after).toEqual({ a: deaths?.before["a"], b: 0 });
});

test("what fills a restored server dies while no agent is there, after the commit: the server is lost, and nothing of it runs without its memory", async () => {
  const { deaths } = await inBox("filler-dies-after-commit", 16, "StopAndCopy");
  expect(deaths?.before["b"]).toBeGreaterThan(0);
  expect([deaths?.outcome, deaths?.loss]).toEqual(["committed", "lazy-pages-failed"]);
  expect(deaths?.after).toEqual({ a: 0, b: 0 });
});

test("Cold: a server that is stopped goes there and back twice, with its files and in one place", async () => {
  const all = await moved("there-and-back", 16, "Cold");
  expect(all.map(({ from, to }) => from + to)).toEqual(["ab", "ba", "ab", "ba"]);
  for (const move of all) {
    expect([move.source.error, move.target.error, move.intact]).toEqual([undefined, undefined, true]);
    expect([move.source.phase, move.target.phase]).toEqual(["done", "done"]);
    expect([move.source.memoryBytes, move.target.memoryBytes]).toEqual([0, 0]);
    expect(move.source.volumeBytes).toBeGreaterThan(0);
    expect(move.source.pauseMs).toBeGreaterThan(0);
    expect(move.tasks[move.from]).toBe(0);
    expect(move.tasks[move.to]).toBeGreaterThan(0);
  }
});

test.each([
  ["source", "failpoint"],
  ["target", "target-refused"],
])(
  "Cold, the %s refuses: the server is started again where it was, and can be moved afterwards",
  async (side, code) => {
    const [refused, again] = await moved(`${side}-veto`, 4, "Cold");
    expect([refused?.source.phase, refused?.target.phase, refused?.intact]).toEqual(["failed", "failed", true]);
    expect(refused?.source.error?.code).toBe(code);
    expect(refused?.tasks).toEqual({ a: again?.tasks["b"], b: 0 });
    expect([again?.source.phase, again?.target.phase, again?.intact]).toEqual(["done", "done", true]);
    expect(again?.tasks["a"]).toBe(0);
  },
);

test.each([
  ["the source's agent dies once it is stopped", "source-dies-when-stopped", "aborted", "a"],
  ["the source's agent dies once it is the target's", "source-dies-after-commit", "committed", "b"],
  ["the target's agent dies before it asks to commit", "target-dies-when-commit", "aborted", "a"],
  ["the target's agent dies before it starts it", "target-dies-when-start", "committed", "b"],
  ["the target's agent dies once it is started", "target-dies-when-started", "committed", "b"],
])("Cold, %s: it runs once, with its files, where the record says", async (_what, scenario, outcome, owner) => {
  const { deaths } = await inBox(scenario, 4, "Cold");
  expect([deaths?.outcome, deaths?.loss, deaths?.intact]).toEqual([outcome, undefined, true]);
  const elsewhere = owner === "a" ? "b" : "a";
  expect(deaths?.before[elsewhere]).toBe(0);
  expect(deaths?.after[elsewhere]).toBe(0);
  expect(deaths?.after[owner]).toBeGreaterThan(0);
});
