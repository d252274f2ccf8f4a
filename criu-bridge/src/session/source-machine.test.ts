import { describe, expect, it } from "vitest";
import {
  smallDeltaBytes,
  sourceStart,
  sourceStep,
  volumeRoundLimit,
  type SourceEvent,
  type SourceState,
} from "./source-machine.ts";

const states: Record<string, SourceState> = {
  connecting: sourceStart,
  syncing: { phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY },
  dumping: { phase: "dumping", frozen: false, deltaSent: false, dumped: false },
  frozen: { phase: "dumping", frozen: true, deltaSent: false, dumped: false },
  sending: { phase: "sending", aborting: false },
  waiting: { phase: "waiting", aborting: false },
  aborting: { phase: "waiting", aborting: true },
  committed: { phase: "committed" },
  aborted: { phase: "aborted", reason: "x" },
};
const events: Record<string, SourceEvent> = {
  welcomed: { type: "welcomed" },
  "round-received": { type: "round-received", bytes: 1 },
  frozen: { type: "frozen" },
  "delta-received": { type: "delta-received" },
  dumped: { type: "dumped" },
  sent: { type: "sent" },
  "outcome-committed": { type: "outcome", outcome: "committed" },
  "outcome-aborted": { type: "outcome", outcome: "aborted" },
  "outcome-undecided": { type: "outcome", outcome: "undecided" },
  failed: { type: "failed", reason: "why" },
};

/** What isn't listed changes nothing. */
const transitions: [from: string, event: string, phase: string, actions: string][] = [
  ["connecting", "welcomed", "syncing", "send-round"],
  ["connecting", "failed", "aborted", "answer-no ask-abort finish"],
  ["connecting", "outcome-aborted", "aborted", "answer-no ask-abort finish"],
  ["syncing", "round-received", "dumping", "start-dump"],
  ["syncing", "failed", "aborted", "answer-no ask-abort finish"],
  ["syncing", "outcome-aborted", "aborted", "answer-no ask-abort finish"],
  ["dumping", "frozen", "dumping", "isolate-network send-delta"],
  ["dumping", "failed", "aborted", "answer-no ask-abort finish"],
  ["dumping", "outcome-aborted", "aborted", "answer-no ask-abort finish"],
  ["frozen", "frozen", "dumping", "isolate-network send-delta"],
  ["frozen", "failed", "aborted", "answer-no rejoin-network ask-abort finish"],
  ["frozen", "outcome-aborted", "aborted", "answer-no rejoin-network ask-abort finish"],
  ["sending", "sent", "waiting", ""],
  ["sending", "failed", "sending", "ask-abort"],
  ["sending", "outcome-committed", "committed", "answer-go finish"],
  ["sending", "outcome-aborted", "aborted", "answer-no rejoin-network finish"],
  ["sending", "outcome-undecided", "sending", "ask-outcome"],
  ["waiting", "failed", "waiting", "ask-abort"],
  ["waiting", "outcome-committed", "committed", "answer-go finish"],
  ["waiting", "outcome-aborted", "aborted", "answer-no rejoin-network finish"],
  ["waiting", "outcome-undecided", "waiting", "ask-outcome"],
  ["aborting", "outcome-committed", "committed", "answer-go finish"],
  ["aborting", "outcome-aborted", "aborted", "answer-no rejoin-network finish"],
  ["aborting", "outcome-undecided", "waiting", "ask-outcome"],
];

describe("every state and event", () => {
  for (const [from, state] of Object.entries(states)) {
    for (const [name, event] of Object.entries(events)) {
      const [, , phase = state.phase, actions = ""] =
        transitions.find((row) => row[0] === from && row[1] === name) ?? [];
      it(`${from}, ${name}: ${phase} ${actions}`, () => {
        const step = sourceStep(state, event);
        const done = step.actions.map((action) =>
          action.type === "answer" ? `answer-${action.verdict}` : action.type,
        );
        expect([step.state.phase, done.join(" ")]).toEqual([phase, actions]);
      });
    }
  }
});

it("hands over when the delta and the dump are both there, whichever comes last", () => {
  const frozen: SourceState = { phase: "dumping", frozen: true, deltaSent: false, dumped: false };
  for (const order of [["delta-received", "dumped"] as const, ["dumped", "delta-received"] as const]) {
    const first = sourceStep(frozen, { type: order[0] });
    expect(first).toMatchObject({ state: { phase: "dumping" }, actions: [] });
    expect(sourceStep(first.state, { type: order[1] })).toMatchObject({
      state: { phase: "sending" },
      actions: [{ type: "send-rest" }],
    });
  }
});

it("sends further rounds while they are big and shrink, and never more than the limit", () => {
  let state: SourceState = { phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY };
  let bytes = smallDeltaBytes * 1000;
  let rounds = 1;
  for (; state.phase === "syncing"; rounds++) {
    state = sourceStep(state, { type: "round-received", bytes }).state;
    bytes /= 3;
  }
  expect(rounds - 1).toBe(volumeRoundLimit);
  const growing = sourceStep(
    { phase: "syncing", round: 1, lastBytes: smallDeltaBytes },
    { type: "round-received", bytes: smallDeltaBytes * 2 },
  );
  expect(growing.actions).toEqual([{ type: "start-dump" }]);
});

it("asks for an abort once, however often it fails", () => {
  const first = sourceStep({ phase: "waiting", aborting: false }, { type: "failed", reason: "a" });
  expect(sourceStep(first.state, { type: "failed", reason: "b" }).actions).toEqual([]);
});
