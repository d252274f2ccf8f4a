/** What a simulation runs of the bridge: both sides' state machines, and what ends a move that an earlier agent began. */
export type { Gate, GateVerdict } from "./criu/gate-script.ts";
export type { MigrationIdentity, Outcome, SourcePorts, TargetPorts } from "./session/ports.ts";
export type { ResumedHost } from "./session/resumed-host.ts";
export { ResumedSession, type UnfinishedSession } from "./session/resumed-session.ts";
export type { SessionRecord } from "./session/session-file.ts";
export type { SessionReport } from "./session/session-report.ts";
export { sourceLimits } from "./session/source-limits.ts";
export {
  type SourceAction,
  type SourceEvent,
  sourceStart,
  type SourceState,
  sourceStep,
} from "./session/source-machine.ts";
export { sourcePhases } from "./session/source-phase.ts";
export { type SourceSessionOptions } from "./session/source-session.ts";
export {
  type TargetAction,
  type TargetEvent,
  targetStart,
  type TargetState,
  targetStep,
} from "./session/target-machine.ts";
export type { TargetSessionOptions } from "./session/target-session.ts";
export { targetPhases } from "./session/target-phase.ts";
export { targetLimits } from "./session/target-limits.ts";
export type { RoundVerdict } from "./session/convergence.ts";
