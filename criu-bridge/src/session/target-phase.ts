import type { SessionPhase } from "./session-report.ts";
import type { TargetState } from "./target-machine.ts";

/** What is told of a target in each of its states. */
export const targetPhases: Record<TargetState["phase"], SessionPhase> = {
  receiving: "syncing",
  restoring: "restoring",
  committing: "restoring",
  committed: "committed",
  filled: "done",
  lost: "failed",
  discarded: "failed",
};
