import { describe, expect, it } from "vitest";
import {
  dumpLimit,
  failedDumpLimit,
  smallDeltaBytes,
  sourceStart,
  sourceStep,
  volumeRoundLimit,
  type SourceEvent,
  type SourceState,
} from "./source-machine.ts";

const mode = "StopAndCopy";
const states: Record<string, SourceState> = {
  connecting: sourceStart(mode),
  syncing: { mode, phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY },
  dumping: { mode, phase: "dumping", dumps: 1, frozen: false, deltaSent: false, dumped: false },
  frozen: { mode, phase: "dumping", dumps: 1, frozen: true, deltaSent: false, dumped: false },
  "cold-syncing": { mode: "Cold", phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY },
  stopping: { mode: "Cold", phase: "stopping" },
  stopped: { mode: "Cold", phase: "dumping", dumps: 0, frozen: true, deltaSent: false, dumped: true },
  "cold-waiting": { mode: "Cold", phase: "waiting", aborting: false },
  sending: { mode, phase: "sending", aborting: false },
  waiting: { mode, phase: "waiting", aborting: false },
  aborting: { mode, phase: "waiting", aborting: true },
  "lazy-waiting": { mode: "Postcopy", phase: "waiting", aborting: false },
  "lazy-aborting": { mode: "Postcopy", phase: "waiting", aborting: true },
  "lazy-severed": { mode: "Postcopy", phase: "waiting", aborting: true, severed: "gone" },
  filling: { phase: "filling" },
  committed: { phase: "committed" },
  lost: { phase: "lost", reason: "x" },
  aborted: { phase: "aborted", reason: "x" },
};
const events: Record<string, SourceEvent> = {
  welcomed: { type: "welcomed" },
  "round-received": { type: "round-received", bytes: 1 },
  stopped: { type: "stopped" },
  frozen: { type: "frozen" },
  "frozen-unsettled": { type: "frozen", unsettled: "it waits" },
  "dump-failed": { type: "dump-failed", reason: "why" },
  "delta-received": { type: "delta-received" },
  dumped: { type: "dumped" },
  sent: { type: "sent" },
  "outcome-committed": { type: "outcome", outcome: "committed" },
  "outcome-aborted": { type: "outcome", outcome: "aborted" },
  "outcome-undecided": { type: "outcome", outcome: "undecided" },
  filled: { type: "filled" },
  "peer-lost": { type: "peer-lost", reason: "gone" },
  failed: { type: "failed", reason: "why" },
};

const givenUp = "answer-no ask-abort finish";
const frozenGivenUp = "rejoin-network answer-no ask-abort finish";
const stoppedGivenUp = "start-server answer-no ask-abort finish";
const aborted = "rejoin-network answer-no finish";
const gone = "kill-tasks answer-go finish";
/** What isn't listed changes nothing. */
const transitions: [from: string, event: string, phase: string, actions: string][] = [
  ["connecting", "welcomed", "syncing", "send-round"],
  ["connecting", "failed", "aborted", givenUp],
  ["connecting", "peer-lost", "aborted", givenUp],
  ["connecting", "outcome-aborted", "aborted", givenUp],
  ["syncing", "round-received", "dumping", "start-dump"],
  ["syncing", "failed", "aborted", givenUp],
  ["syncing", "peer-lost", "aborted", givenUp],
  ["syncing", "outcome-aborted", "aborted", givenUp],
  ["dumping", "frozen", "dumping", "isolate-network send-delta"],
  ["dumping", "frozen-unsettled", "dumping", "put-off-dump"],
  ["dumping", "dump-failed", "dumping", "put-off-dump"],
  ["dumping", "failed", "aborted", givenUp],
  ["dumping", "peer-lost", "aborted", givenUp],
  ["dumping", "outcome-aborted", "aborted", givenUp],
  ["frozen", "frozen", "dumping", "isolate-network send-delta"],
  ["frozen", "frozen-unsettled", "dumping", "isolate-network send-delta"],
  ["frozen", "failed", "aborted", frozenGivenUp],
  ["frozen", "peer-lost", "aborted", frozenGivenUp],
  ["frozen", "outcome-aborted", "aborted", frozenGivenUp],
  // Nothing runs that could go on: it is started again.
  ["cold-syncing", "round-received", "stopping", "stop-server"],
  ["cold-syncing", "failed", "aborted", givenUp],
  ["cold-syncing", "peer-lost", "aborted", givenUp],
  ["cold-syncing", "outcome-aborted", "aborted", givenUp],
  ["stopping", "stopped", "dumping", "send-delta"],
  ["stopping", "failed", "aborted", stoppedGivenUp],
  ["stopping", "peer-lost", "aborted", stoppedGivenUp],
  ["stopping", "outcome-aborted", "aborted", stoppedGivenUp],
  ["stopped", "delta-received", "sending", "send-rest"],
  ["stopped", "failed", "aborted", stoppedGivenUp],
  ["stopped", "peer-lost", "aborted", stoppedGivenUp],
  ["stopped", "outcome-aborted", "aborted", stoppedGivenUp],
  ["cold-waiting", "failed", "waiting", "ask-abort"],
  ["cold-waiting", "peer-lost", "waiting", "ask-abort"],
  ["cold-waiting", "outcome-committed", "committed", "answer-go finish"],
  ["cold-waiting", "outcome-aborted", "aborted", "start-server answer-no finish"],
  ["cold-waiting", "outcome-undecided", "waiting", "ask-outcome"],
  ["sending", "sent", "waiting", ""],
  ["sending", "failed", "sending", "ask-abort"],
  ["sending", "peer-lost", "sending", "ask-abort"],
  ["sending", "outcome-committed", "committed", "answer-go finish"],
  ["sending", "outcome-aborted", "aborted", aborted],
  ["sending", "outcome-undecided", "sending", "ask-outcome"],
  ["waiting", "failed", "waiting", "ask-abort"],
  ["waiting", "peer-lost", "waiting", "ask-abort"],
  ["waiting", "outcome-committed", "committed", "answer-go finish"],
  ["waiting", "outcome-aborted", "aborted", aborted],
  ["waiting", "outcome-undecided", "waiting", "ask-outcome"],
  ["aborting", "sent", "waiting", ""],
  ["aborting", "outcome-committed", "committed", "answer-go finish"],
  ["aborting", "outcome-aborted", "aborted", aborted],
  ["aborting", "outcome-undecided", "waiting", "ask-outcome"],
  // The pages are still here: the tasks stay frozen until the target has them, or nobody ever will.
  ["lazy-waiting", "failed", "waiting", "ask-abort"],
  ["lazy-waiting", "peer-lost", "waiting", "ask-abort"],
  ["lazy-waiting", "outcome-committed", "filling", ""],
  ["lazy-waiting", "outcome-aborted", "aborted", aborted],
  ["lazy-waiting", "outcome-undecided", "waiting", "ask-outcome"],
  ["lazy-aborting", "outcome-committed", "filling", ""],
  ["lazy-aborting", "outcome-aborted", "aborted", aborted],
  ["lazy-aborting", "outcome-undecided", "waiting", "ask-outcome"],
  ["lazy-severed", "outcome-committed", "lost", gone],
  ["lazy-severed", "outcome-aborted", "aborted", aborted],
  ["lazy-severed", "outcome-undecided", "waiting", "ask-outcome"],
  ["filling", "filled", "committed", gone],
  ["filling", "peer-lost", "lost", gone],
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
  const frozen: SourceState = { mode, phase: "dumping", dumps: 1, frozen: true, deltaSent: false, dumped: false };
  for (const order of [["delta-received", "dumped"] as const, ["dumped", "delta-received"] as const]) {
    const first = sourceStep(frozen, { type: order[0] });
    expect(first).toMatchObject({ state: { phase: "dumping" }, actions: [] });
    expect(sourceStep(first.state, { type: order[1] })).toMatchObject({
      state: { phase: "sending" },
      actions: [{ type: "send-rest" }],
    });
  }
});

it("begins a dump again that fails before it asks at its first gate, a few times", () => {
  let state = states["dumping"];
  const actions: string[] = [];
  for (let dump = 1; dump <= failedDumpLimit && state !== undefined; dump++) {
    const step = sourceStep(state, { type: "dump-failed", reason: "why" });
    actions.push(step.actions.map(({ type }) => type).join(" "));
    state = step.state;
  }
  expect(actions).toEqual([...Array<string>(failedDumpLimit - 1).fill("put-off-dump"), ""]);
});

it("puts a dump off as long as something passing is in its way, and then leaves it to CRIU", () => {
  let state = states["dumping"];
  const actions: string[] = [];
  for (let dump = 1; dump <= dumpLimit && state !== undefined; dump++) {
    const step = sourceStep(state, { type: "frozen", unsettled: "it waits" });
    actions.push(step.actions.map(({ type }) => type).join(" "));
    state = step.state;
  }
  expect(actions).toEqual([...Array<string>(dumpLimit - 1).fill("put-off-dump"), "isolate-network send-delta"]);
  expect(state).toMatchObject({ phase: "dumping", frozen: true });
});

it("begins nothing more once it was cancelled between two rounds of memory, whatever is still heard of the last one", () => {
  let state: SourceState = { mode: "Precopy", phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY };
  const actions = (event: SourceEvent) => {
    const step = sourceStep(state, event);
    state = step.state;
    return step.actions.map(({ type }) => type).join(" ");
  };
  const received = { type: "round-received", bytes: 1 } as const;
  expect(actions({ ...received, memory: "another" })).toBe("send-round");
  expect(actions({ type: "failed", reason: "cancelled" })).toBe("answer ask-abort finish");
  for (const memory of ["another", "within", "endless"] as const) expect(actions({ ...received, memory })).toBe("");
  expect(actions({ type: "outcome", outcome: "aborted" })).toBe("");
  expect(state).toEqual({ phase: "aborted", reason: "cancelled" });
});

it("sends further rounds while they are big and shrink, and never more than the limit", () => {
  let state: SourceState = { mode, phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY };
  let bytes = smallDeltaBytes * 1000;
  let rounds = 1;
  for (; state.phase === "syncing"; rounds++) {
    state = sourceStep(state, { type: "round-received", bytes }).state;
    bytes /= 3;
  }
  expect(rounds - 1).toBe(volumeRoundLimit);
  const growing = sourceStep(
    { mode, phase: "syncing", round: 1, lastBytes: smallDeltaBytes },
    { type: "round-received", bytes: smallDeltaBytes * 2 },
  );
  expect(growing.actions).toEqual([{ type: "start-dump", mode }]);
});

describe("where memory goes in rounds", () => {
  const syncing: SourceState = { mode: "Precopy", phase: "syncing", round: 4, lastBytes: 0 };
  it.each([
    ["another", false, { type: "send-round", round: 5 }],
    ["within", false, { type: "start-dump", mode: "Precopy" }],
    ["endless", false, { type: "start-dump", mode: "Precopy" }],
    ["endless", true, { type: "start-dump", mode: "Hybrid" }],
  ] as const)("%s, post-copy allowed: %s", (memory, allowPostCopy, action) => {
    const { state, actions } = sourceStep(syncing, { type: "round-received", bytes: 0, memory, allowPostCopy });
    expect(actions).toEqual([action]);
    expect(state).toMatchObject(action.type === "start-dump" ? { mode: action.mode } : { phase: "syncing", round: 5 });
  });
});

it("asks for an abort once, however often it fails", () => {
  const first = sourceStep({ mode, phase: "waiting", aborting: false }, { type: "failed", reason: "a" });
  expect(sourceStep(first.state, { type: "failed", reason: "b" }).actions).toEqual([]);
});
