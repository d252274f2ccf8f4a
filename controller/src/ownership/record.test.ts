import { describe, expect, test } from "vitest";
import type { OwnershipRecord, Transition } from "./record.ts";
import { abort, begin, claim, commit, earlierMax, openOperation, outcomeOf, renewTerm, takeOver } from "./record.ts";

const placed: OwnershipRecord = { uid: "u", node: "a", epoch: 1, earlier: [] };

function written<R>(transition: Transition<R>): OwnershipRecord {
  if (transition.write === undefined) throw new Error("expected a write");
  return transition.write;
}

const begun = written(begin(placed, { id: "op", target: "b" }));
const committed = written(commit(begun, { id: "op", node: "b", epoch: 2 }));
const aborted = written(abort(begun, { id: "op", reason: "test" }));

describe("claim", () => {
  test("starts at epoch 1", () => expect(claim(undefined, { uid: "u", node: "a" }).write).toEqual(placed));
  test("leaves a record that stands", () =>
    expect(claim(committed, { uid: "u", node: "c" })).toEqual({ result: committed }));
});

describe("begin", () => {
  test("keeps the owner", () =>
    expect(begun).toMatchObject({ node: "a", epoch: 1, operation: { source: "a", target: "b", state: "begun" } }));
  test.each([
    ["the same open operation", begun, "op", "begun"],
    ["a committed one", committed, "op", "committed"],
    ["an aborted one", aborted, "op", "aborted"],
  ])("repeats the answer for %s and writes nothing", (_what, record, id, outcome) => {
    expect(begin(record, { id, target: "b" })).toEqual({ result: { outcome } });
  });
  test("refuses a second operation", () =>
    expect(begin(begun, { id: "other", target: "c" }).result).toMatchObject({ outcome: "refused" }));
  test("refuses the owner as target", () =>
    expect(begin(placed, { id: "op", target: "a" }).result).toMatchObject({ outcome: "refused" }));
  test("remembers the operation before", () => {
    const next = written(begin(committed, { id: "next", target: "a" }));
    expect(outcomeOf(next, "op")).toBe("committed");
    expect(openOperation(next)?.id).toBe("next");
  });
});

describe("renewTerm", () => {
  const inTerm = { ...placed, term: "t" };
  test("is written for the owner, once", () => {
    expect(renewTerm(placed, { node: "a", term: "t" }).write).toEqual(inTerm);
    expect(renewTerm(inTerm, { node: "a", term: "t" }).write).toBeUndefined();
  });
  test("is not for anyone else, and ends with the ownership", () => {
    expect(renewTerm(placed, { node: "b", term: "t" }).write).toBeUndefined();
    const moving = written(begin(inTerm, { id: "op", target: "b" }));
    expect(written(commit(moving, { id: "op", node: "b", epoch: 2 })).term).toBeUndefined();
  });
});

describe("takeOver", () => {
  const failover = { at: "now", lost: "its volume" };
  const request = { id: "failover", seen: { node: "a", epoch: 1 }, target: "c", failover };
  test("gives the server to another node under the next epoch, and says from where", () =>
    expect(written(takeOver(placed, request))).toMatchObject({
      node: "c",
      epoch: 2,
      operation: { id: "failover", source: "a", target: "c", state: "committed" },
      failover: { from: "a", epoch: 2, lost: "its volume" },
    }));
  test("again changes nothing", () =>
    expect(takeOver(written(takeOver(placed, request)), request)).toEqual({ result: { outcome: "committed" } }));
  test("aborts the move that is open", () => {
    const taken = written(takeOver(begun, request));
    expect(outcomeOf(taken, "op")).toBe("aborted");
    expect(commit(taken, { id: "op", node: "b", epoch: 2 }).result).toMatchObject({ outcome: "refused" });
  });
  test.each([
    ["a server that was moved meanwhile", committed, request],
    ["a server whose node was heard of since", { ...placed, term: "t" }, request],
    ["another epoch than the one seen", { ...placed, epoch: 3 }, request],
    ["the node that has it", placed, { ...request, target: "a" }],
    ["a server that is gone", undefined, request],
  ])("is refused for %s", (_what, record, asked) => {
    const { write, result } = takeOver(record, asked);
    expect(write).toBeUndefined();
    expect(result.outcome).toBe("refused");
  });
});

describe("commit", () => {
  test("moves the server under the next epoch", () => expect(committed).toMatchObject({ node: "b", epoch: 2 }));
  test("again changes nothing", () =>
    expect(commit(committed, { id: "op", node: "b", epoch: 2 })).toEqual({ result: { outcome: "committed" } }));
  test.each([
    ["an aborted operation", aborted, { id: "op", node: "b", epoch: 2 }],
    ["another node", begun, { id: "op", node: "c", epoch: 2 }],
    ["a stale epoch", begun, { id: "op", node: "b", epoch: 1 }],
    ["an epoch too far", begun, { id: "op", node: "b", epoch: 3 }],
    ["a server that nobody has any more", undefined, { id: "op", node: "b", epoch: 2 }],
    ["an unknown operation", placed, { id: "op", node: "b", epoch: 2 }],
  ])("is refused for %s", (_what, record, request) => {
    const transition = commit(record, request);
    expect(transition.write).toBeUndefined();
    expect(transition.result.outcome).toBe("refused");
  });
});

describe("abort", () => {
  test("keeps the owner and epoch", () => expect(aborted).toMatchObject({ node: "a", epoch: 1 }));
  test("loses to a commit", () =>
    expect(abort(committed, { id: "op", reason: "late" })).toEqual({ result: "committed" }));
  test("is granted where nobody has the server any more", () =>
    expect(abort(undefined, { id: "op", reason: "its agent was started again" })).toEqual({ result: "aborted" }));
  test("keeps an operation that was not begun from beginning", () => {
    const record = written(abort(placed, { id: "op", reason: "early" }));
    expect(begin(record, { id: "op", target: "b" }).result).toEqual({ outcome: "aborted" });
  });
});

/** A store with compare-and-set and actors that read, wait for others, and write: any interleaving a seed picks. */
describe("random interleavings", () => {
  test.each(Array.from({ length: 300 }, (_, index) => index + 1))(
    "seed %i: one winner, a growing epoch, stable answers",
    (seed) => {
      const random = mulberry32(seed);
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
      const store = { record: placed, revision: 1 };
      const nodes = ["a", "b", "c"];
      const operations = Array.from({ length: 6 }, (_, index) => ({ id: `op-${index}`, target: pick(nodes) }));
      const decided = new Map<string, string>();
      const unfair: object[] = [];
      const pending: { revision: number; apply: () => Transition<unknown>; told: (result: unknown) => void }[] = [];

      for (let turn = 0; turn < 400; turn++) {
        const operation = pick(operations);
        const { record, revision } = store;
        const told = (result: unknown) => {
          const outcome = typeof result === "string" ? result : (result as { outcome: string }).outcome;
          if (outcome !== "committed" && outcome !== "aborted") return;
          const before = decided.get(operation.id);
          expect(before ?? outcome, `${operation.id} was ${before}, now ${outcome}`).toBe(outcome);
          decided.set(operation.id, outcome);
        };
        const kind = random();
        const apply = () =>
          kind < 0.4
            ? begin(record, operation)
            : kind < 0.7
              ? commit(record, { id: operation.id, node: pick(nodes), epoch: record.epoch + (random() < 0.8 ? 1 : 0) })
              : abort(record, { id: operation.id, reason: "seeded" });
        pending.push({ revision, apply, told });
        // Somebody's write arrives: maybe late, maybe lost with its answer, maybe written and the answer lost.
        if (random() < 0.7) {
          const [write] = pending.splice(Math.floor(random() * pending.length), 1);
          if (write === undefined) continue;
          const transition = write.apply();
          const before = store.record;
          const isBeaten = transition.write !== undefined && write.revision !== store.revision;
          if (isBeaten) continue;
          if (transition.write !== undefined) {
            store.record = transition.write;
            store.revision++;
          }
          const isFair = store.record.epoch - before.epoch === (store.record.node === before.node ? 0 : 1);
          if (!isFair || store.record.earlier.length > earlierMax) unfair.push({ before, after: store.record });
          if (random() < 0.9) write.told(transition.result);
        }
      }
      expect(unfair).toEqual([]);
      for (const [id, outcome] of decided) expect(outcomeOf(store.record, id)).toBe(outcome);
    },
  );
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
