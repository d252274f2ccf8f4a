import { describe, expect, it } from "vitest";
import type { Mutants } from "./model/mutants.ts";
import { runFleet, type FleetRunOptions } from "./run-fleet.ts";

const runsPerTest = 10;
const withFailover = { hasFailover: true };
const withLongFaults = { hasLongFaults: true };
const withBoth = { ...withFailover, ...withLongFaults };

const kinds: { kind: string; options: FleetRunOptions; tests: number }[] = [
  { kind: "", options: {}, tests: 12 },
  { kind: ", with servers that are taken over", options: withFailover, tests: 3 },
  { kind: ", with long faults", options: withLongFaults, tests: 6 },
  { kind: ", with both", options: withBoth, tests: 6 },
];
const batches = kinds.flatMap(({ tests, ...rest }) =>
  Array.from({ length: tests }, (_none, at) => ({ ...rest, first: 1 + at * runsPerTest })),
);

/** Seeds that showed a bug, by what was wrong. */
const named: [string, number, FleetRunOptions?][] = [
  ["a move that waits for its turn was looked at again at once, for ever", 108],
  ["a target that was prepared, and never heard of the end, kept everything for a quarter of an hour", 1050],
  ["what a target had received stayed behind where its session went with the power", 1012],
  ["a deleted server was said to be gone while it was still being started", 2046],
  ["the same, frozen for a move that was aborted", 2018],
  ["a move that was told of its end before it had begun began all the same", 53],
  ["a stop that came between a move's commit and its server's record was forgotten", 86],
  ["what a target was asked for stayed written down where preparing it failed", 1011],
  ["an assignment that was faster than the answer about the lease's term was never confirmed in it", 44, withBoth],
  ["a committed move that had lost its tasks took the server's files with it", 187, withBoth],
  ["what was dumping a server that was released meanwhile waited for ever", 163, withLongFaults],
  ["a sync that was asked for before the lease began undid what one in the lease had said", 1265, withBoth],
  ["a prepared move that could not be read for a moment was taken for one of nobody's", 1272, withBoth],
  ["a snapshot that was being taken when its move ended stayed", 1190, withFailover],
  ["a move that was given up late deleted the server, which had come to its target another way since", 3087, withBoth],
  ["a server of a node that came back before it was written down as lost stayed unknown", 1280, withLongFaults],
];

/** What went wrong, and how to see it again. */
async function failureOf(seed: number, options: FleetRunOptions = {}): Promise<string | undefined> {
  const { failure } = await runFleet(seed, options);
  if (failure === undefined) return undefined;
  const more = [
    options.hasFailover === true ? " --failover" : "",
    options.hasLongFaults === true ? " --long-faults" : "",
  ];
  const replay = `npm run test:simulation -- --runs 1 --seed ${seed} --lines${more.join("")}`;
  return `seed ${seed}: ${failure.message}\nreplay: ${replay}\n${failure.lines.slice(-60).join("\n")}`;
}

describe("a fleet in which everything goes wrong", { timeout: 120_000 }, () => {
  it.each(named)("is well in the end: %s", async (_what, seed, options) => {
    expect(await failureOf(seed, options)).toBeUndefined();
  });

  it.each(batches)("is well in the end$kind, seeds from $first", async ({ first, options }) => {
    for (let seed = first; seed < first + runsPerTest; seed++) expect(await failureOf(seed, options)).toBeUndefined();
  });

  it("goes the same way again with the same seed", async () => {
    const [one, again, other] = [await runFleet(7), await runFleet(7), await runFleet(8)];
    expect(again.digest).toBe(one.digest);
    expect(again.figures).toEqual(one.figures);
    expect(other.digest).not.toBe(one.digest);
    expect(one.figures.runs).toBeGreaterThan(2);
  });
});

/** What is seen where the world is wrong: the checks can fail. */
const seen: [keyof Mutants, readonly string[]][] = [
  ["blindWrites", ["I1", "I3", "I5"]],
  ["thawsOnGuess", ["I1", "I2/I6", "I4", "I5"]],
  ["runsUncommitted", ["I1", "I5"]],
  ["skipsDelta", ["I4"]],
  ["fenceSleeps", ["I1", "I4", "I5"]],
  ["forgetsRecords", ["I1", "I2/I6", "I4", "I5"]],
];

describe("a mutant", { timeout: 120_000 }, () => {
  it.each(seen)("%s is seen within some seeds", async (mutant, invariants) => {
    for (let seed = 1; seed <= 100; seed++) {
      const { failure } = await runFleet(seed, { mutants: { [mutant]: true }, hasFailover: mutant === "fenceSleeps" });
      if (failure === undefined) continue;
      expect(invariants).toContain(failure.invariant);
      return;
    }
    expect.fail("nobody has seen it");
  });
});
