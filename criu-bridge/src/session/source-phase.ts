import type { SessionPhase } from "./session-report.ts";
import type { SourceState } from "./source-machine.ts";

/** What is told of a source in each of its states. */
export const sourcePhases: Record<SourceState["phase"], SessionPhase> = {
  connecting: "preparing",
  syncing: "syncing",
  stopping: "frozen",
  dumping: "frozen",
  sending: "frozen",
  waiting: "frozen",
  filling: "committed",
  committed: "cleaning",
  lost: "failed",
  aborted: "failed",
};
