import { isPostCopyMode, type MoveMode } from "@vfleet/shared";
import { expect, test } from "vitest";
import type { FaultyMove } from "./system/faulty-moves.ts";
import { inBox, kernelTracksWrites } from "./system/in-box.ts";
import { stallLimitMs } from "./system/proxied-move.ts";
import { slowness } from "./system/slowness.ts";

/** Dozens of moves, one after the other. */
const boxLimitMs = 240_000 * slowness;
/** From the decision to give a move up until the server runs on, and until its client is answered again. */
const resumeLimitMs = 1000 * slowness;
const every = Number.MAX_SAFE_INTEGER;
/** Of each kind of frame. The slow tests harm every one. */
const some = process.env["VFLEET_STREAM_FAULTS"] === "every" ? every : 1;

/** By kind. */
const framesOfAll = [
  ...["hello", "volume-begin", "volume", "complete"].map((kind) => `to-target ${kind}`),
  ...["welcome", "volume-received", "received", "committed", "running"].map((kind) => `to-source ${kind}`),
];
const memoryFrames = ["to-target pages", "to-target files"];
const roundFrames = ["to-target round-sent", "to-target rounds-ended", "to-source round-received"];
const askingFrames = ["to-source pages-wanted", "to-source filled"];
const framesOf = {
  StopAndCopy: [...framesOfAll, ...memoryFrames],
  Precopy: [...framesOfAll, ...memoryFrames, ...roundFrames],
  Postcopy: [...framesOfAll, ...memoryFrames, ...askingFrames],
  Hybrid: [...framesOfAll, ...memoryFrames, ...roundFrames, ...askingFrames],
  Cold: framesOfAll,
};

type Fate = "undone" | "done" | "lost";
function fateOf({ outcome, target }: FaultyMove): Fate {
  if (outcome !== "committed") return "undone";
  return target === "done" ? "done" : "lost";
}

/** How source and target end, and what the source says. */
const endsOf: Record<Fate, { ends: RegExp; says: RegExp }> = {
  undone: { ends: /^failed [a-z-]+, failed [a-z-]+$/, says: /^(Lost the migration stream with|Cannot )/ },
  // Without the word that all memory has arrived the source must take it for lost.
  done: { ends: /^(done|failed post-copy-lost), done$/, says: /^$|before all of its memory was at the target/ },
  lost: {
    ends: /^failed post-copy-lost, failed post-copy-lost$/,
    says: /^Lost what ran of "default\/web" before all of its memory was at the target: Lost the migration stream/,
  },
};

/** It runs once, and of what else was begun nothing is left. What was lost is its target's to start again. */
function heldAfter({ from, held }: FaultyMove, fate: Fate): Record<string, string[]> {
  const to = from === "a" ? "b" : "a";
  const [owner, other] = fate === "undone" ? [from, to] : [to, from];
  const isThere = fate !== "lost";
  // Of a lost one: as far as its restore got.
  const container = (held[owner] ?? []).filter((thing) => isThere || thing.startsWith("container"));
  return {
    [owner]: isThere ? ["container web", "tasks", "volume web"] : [...container, "volume web"],
    [other]: [],
    machine: isThere ? [`ve-${owner} joined`] : [],
  };
}

function expectWell(move: FaultyMove, decidedMs: number): void {
  const { held, source, target, reason = "", client, answeredMs, resumedMs = 0 } = move;
  const fate = fateOf(move);
  const { ends, says } = endsOf[fate];
  expect(held).toEqual(heldAfter(move, fate));
  expect(`${source}, ${target}`).toMatch(ends);
  expect(reason).toMatch(says);
  expect(client.gaps).toBe(0);
  expect(fate === "lost" || client.error === undefined).toBe(true);
  expect(answeredMs).toBeLessThan(decidedMs + resumeLimitMs);
  expect(resumedMs).toBeLessThan(resumeLimitMs);
}

interface Extent {
  perKind: number;
  /** None: all. */
  kinds?: readonly string[];
  /** From the fault to the decision. */
  decidedMs?: number;
}

/** Moves a server again and again, a frame harmed each time, and looks at what became of it. */
async function expectAllWell(
  mode: MoveMode,
  fault: string,
  { decidedMs = 0, kinds, ...frames }: Extent,
): Promise<void> {
  const options = { scenario: `stream-${fault}`, megabytes: 1, appendOnly: false, timeoutMs: boxLimitMs };
  const { faulty } = await inBox<{ faulty: FaultyMove[] }>({ ...options, ...frames, kinds, mode });
  for (const move of faulty) expect(() => expectWell(move, decidedMs), `of ${JSON.stringify(move)}`).not.toThrow();
  const [unharmed, ...harmed] = faulty;
  expect(unharmed).toMatchObject({ fired: false, outcome: "committed", source: "done", target: "done" });
  const seen = new Set(harmed.filter(({ fired }) => fired).map(({ place }) => `${place?.direction} ${place?.kind}`));
  const wanted = framesOf[mode].filter((frame) => kinds?.includes(frame.split(" ")[1] ?? "") ?? true);
  expect([...seen].toSorted()).toEqual(wanted.toSorted());
  const lost = harmed.filter((move) => fateOf(move) === "lost").map(({ place }) => place?.kind);
  expect(lost.includes("committed")).toBe(isPostCopyMode(mode));
}

test.each<[MoveMode, string, Extent]>([
  ["StopAndCopy", "cut", { perKind: every }],
  ["StopAndCopy", "flip", { perKind: some }],
  ["StopAndCopy", "mangle", { perKind: some, decidedMs: stallLimitMs }],
  ["StopAndCopy", "stall", { perKind: 1, decidedMs: stallLimitMs }],
  ["Postcopy", "cut", { perKind: some }],
  ["Postcopy", "flip", { perKind: some }],
  ["Cold", "cut", { perKind: some }],
  ["Cold", "flip", { perKind: some }],
])(
  "%s, the stream is harmed (%s) at its frames: the server runs on in one place or is said to be lost, and nothing is left",
  expectAllWell,
  boxLimitMs,
);

const kindsOfRounds = ["pages", "round-sent", "round-received", "rounds-ended", "committed"];
test.runIf(kernelTracksWrites()).each<[MoveMode, string, Extent]>([
  ["Precopy", "cut", { perKind: 1, kinds: kindsOfRounds }],
  ["Hybrid", "cut", { perKind: 1, kinds: [...kindsOfRounds, "pages-wanted", "filled"] }],
])(
  "%s, the stream is harmed (%s) at frames of its rounds: the server runs on in one place or is said to be lost, and nothing is left",
  expectAllWell,
  boxLimitMs,
);
