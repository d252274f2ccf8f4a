import type { AgentFencing } from "../agent.ts";

/** Of a host that has no lease: what ends with one isn't started on it. */
export const unfenced: AgentFencing = {
  term: undefined,
  follow: () => undefined,
  isArmed: () => false,
  takeEnded: () => false,
  report: () => undefined,
  keep: () => undefined,
  close: () => undefined,
};
