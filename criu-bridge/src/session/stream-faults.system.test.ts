import { expect, test } from "vitest";
import { stallLimitMs, type FaultyMove } from "./system/faulty-moves.ts";
import { inBox } from "./system/in-box.ts";

/** Dozens of moves, one after the other. */
const boxLimitMs = 240_000;
/** From the decision to give a move up until the client is answered again; most of it is TCP's own patience on a busy machine. */
const resumeLimitMs = 1500;

async function faultyMoves(fault: string): Promise<FaultyMove[]> {
  const options = { scenario: `stream-${fault}`, megabytes: 1, appendOnly: false, timeoutMs: boxLimitMs };
  return (await inBox<{ faulty: FaultyMove[] }>({ ...options, mode: "StopAndCopy" })).faulty;
}

function expectWhole(move: FaultyMove, { decidedMs }: { decidedMs: number }): void {
  const { from, outcome, held, client, answeredMs } = move;
  const to = from === "a" ? "b" : "a";
  const [owner, other] = outcome === "committed" ? [to, from] : [from, to];
  expect(held).toEqual({
    [owner]: ["container web", "tasks", "volume web"],
    [other]: [],
    machine: [`ve-${owner} joined`],
  });
  expect([client.gaps, client.error]).toEqual([0, undefined]);
  expect(answeredMs).toBeLessThan(decidedMs + resumeLimitMs);
}

test.each([
  ["cut", 0],
  ["flip", 0],
  ["mangle", stallLimitMs],
  ["stall", stallLimitMs],
] as const)(
  "StopAndCopy, the stream is harmed (%s) at any of its frames: the server runs on in one place, and nothing is left in the other",
  async (fault, decidedMs) => {
    const moves = await faultyMoves(fault);
    for (const move of moves) {
      const { direction, frame } = move;
      expect(() => expectWhole(move, { decidedMs }), `${direction} ${frame}: ${JSON.stringify(move)}`).not.toThrow();
      // A target says nothing after its commit that is needed.
      const isLate = move.outcome === "committed";
      expect([direction, frame, move.source.split(" ")[0]]).toEqual([direction, frame, isLate ? "done" : "failed"]);
      expect(move.reason ?? "").toMatch(isLate ? /^$/ : /^(Lost the migration stream with|Cannot )/);
    }
    const unharmed = moves.filter(({ fired }) => !fired);
    expect(unharmed.map(({ direction, outcome }) => `${direction} ${outcome}`)).toEqual([
      "to-target committed",
      "to-source committed",
    ]);
    expect(moves.length).toBeGreaterThan(fault === "stall" ? 6 : 30);
  },
  boxLimitMs,
);
