import { describe, expect, it } from "vitest";
import { targetStart, targetStep, type TargetEvent, type TargetState } from "./target-machine.ts";

const mode = "StopAndCopy";
const states: Record<string, TargetState> = {
  receiving: targetStart(mode),
  welcomed: { mode, phase: "receiving", welcomed: true },
  restoring: { mode, phase: "restoring" },
  committing: { mode, phase: "committing" },
  dead: { mode, phase: "committing", dead: "it died" },
  committed: { mode, phase: "committed", running: false },
  "lazy-restoring": { mode: "Postcopy", phase: "restoring" },
  "lazy-committing": { mode: "Postcopy", phase: "committing" },
  "lazy-committed": { mode: "Postcopy", phase: "committed", running: true },
  "cold-receiving": targetStart("Cold"),
  "cold-committing": { mode: "Cold", phase: "committing" },
  "cold-aborting": { mode: "Cold", phase: "committing", dead: "no answer" },
  "cold-committed": { mode: "Cold", phase: "committed", running: false },
  filled: { phase: "filled" },
  lost: { phase: "lost", reason: "x" },
  discarded: { phase: "discarded", reason: "x" },
};
const events: Record<string, TargetEvent> = {
  accepted: { type: "accepted" },
  complete: { type: "complete" },
  restored: { type: "restored" },
  "outcome-committed": { type: "outcome", outcome: "committed" },
  "outcome-aborted": { type: "outcome", outcome: "aborted" },
  "outcome-undecided": { type: "outcome", outcome: "undecided" },
  "commit-limit": { type: "commit-limit" },
  resuming: { type: "resuming" },
  filled: { type: "filled" },
  "peer-lost": { type: "peer-lost", reason: "gone" },
  failed: { type: "failed", reason: "why" },
};

const refused = "answer-no ask-abort tell-refused finish";
const givenUp = "answer-no tell-refused finish";
/** What isn't listed changes nothing. */
const transitions: [from: string, event: string, phase: string, actions: string][] = [
  ["receiving", "accepted", "receiving", "welcome"],
  ["receiving", "complete", "restoring", "start-restore"],
  ["receiving", "peer-lost", "discarded", refused],
  ["receiving", "failed", "discarded", refused],
  ["welcomed", "complete", "restoring", "start-restore"],
  ["welcomed", "peer-lost", "discarded", refused],
  ["welcomed", "failed", "discarded", refused],
  // Everything is here: the source is not needed any more.
  ["restoring", "restored", "committing", "ask-commit"],
  ["restoring", "failed", "discarded", refused],
  ["committing", "outcome-committed", "committed", "tell-committed attach-network"],
  ["committing", "outcome-aborted", "discarded", givenUp],
  ["committing", "outcome-undecided", "committing", "ask-commit"],
  ["committing", "commit-limit", "committing", "answer-no ask-abort"],
  ["committing", "failed", "committing", "answer-no ask-abort"],
  ["dead", "outcome-committed", "lost", "tell-committed finish"],
  ["dead", "outcome-aborted", "discarded", givenUp],
  ["dead", "outcome-undecided", "committing", "ask-abort"],
  ["committed", "resuming", "committed", "tell-running"],
  ["committed", "filled", "filled", "finish"],
  ["committed", "failed", "lost", "kill-tasks finish"],
  // Nothing to restore, and nothing that could have died: a commit that was heard late is as good.
  ["cold-receiving", "accepted", "receiving", "welcome"],
  ["cold-receiving", "complete", "committing", "ask-commit"],
  ["cold-receiving", "peer-lost", "discarded", refused],
  ["cold-receiving", "failed", "discarded", refused],
  ["cold-committing", "outcome-committed", "committed", "tell-committed start-server"],
  ["cold-committing", "outcome-aborted", "discarded", givenUp],
  ["cold-committing", "outcome-undecided", "committing", "ask-commit"],
  ["cold-committing", "commit-limit", "committing", "answer-no ask-abort"],
  ["cold-committing", "failed", "committing", "answer-no ask-abort"],
  ["cold-aborting", "outcome-committed", "committed", "tell-committed start-server"],
  ["cold-aborting", "outcome-aborted", "discarded", givenUp],
  ["cold-aborting", "outcome-undecided", "committing", "ask-abort"],
  ["cold-committed", "resuming", "committed", "tell-running"],
  ["cold-committed", "filled", "filled", "finish"],
  ["cold-committed", "failed", "lost", "finish"],
  // The memory is still at the source.
  ["lazy-restoring", "restored", "committing", "ask-commit"],
  ["lazy-restoring", "peer-lost", "discarded", refused],
  ["lazy-restoring", "failed", "discarded", refused],
  ["lazy-committing", "outcome-committed", "committed", "tell-committed attach-network"],
  ["lazy-committing", "outcome-aborted", "discarded", givenUp],
  ["lazy-committing", "outcome-undecided", "committing", "ask-commit"],
  ["lazy-committing", "commit-limit", "committing", "answer-no ask-abort"],
  ["lazy-committing", "peer-lost", "committing", "answer-no ask-abort"],
  ["lazy-committing", "failed", "committing", "answer-no ask-abort"],
  ["lazy-committed", "filled", "filled", "tell-filled finish"],
  ["lazy-committed", "peer-lost", "lost", "kill-tasks finish"],
  ["lazy-committed", "failed", "lost", "kill-tasks finish"],
];

describe("every state and event", () => {
  for (const [from, state] of Object.entries(states)) {
    for (const [name, event] of Object.entries(events)) {
      const [, , phase = state.phase, actions = ""] =
        transitions.find((row) => row[0] === from && row[1] === name) ?? [];
      it(`${from}, ${name}: ${phase} ${actions}`, () => {
        const step = targetStep(state, event);
        const done = step.actions.map((action) =>
          action.type === "answer" ? `answer-${action.verdict}` : action.type,
        );
        expect([step.state.phase, done.join(" ")]).toEqual([phase, actions]);
      });
    }
  }
});
