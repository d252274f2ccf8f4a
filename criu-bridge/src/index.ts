export { listCheckpoints, purgeUnfinishedCheckpoints, removeCheckpoint } from "./checkpoint/checkpoint-folder.ts";
export { CheckpointWriter, openCheckpoint, type CheckpointContent } from "./checkpoint/checkpoint-content.ts";
export { readCheckpointKey, type CheckpointKey } from "./checkpoint/kept/checkpoint-key.ts";
export { parseManifest, readManifest, type CheckpointManifest } from "./checkpoint/checkpoint-manifest.ts";
export type { RestorePorts, TakePorts } from "./checkpoint/checkpoint-ports.ts";
export { restoreCheckpoint, type RestoreOptions } from "./checkpoint/restore-checkpoint.ts";
export { takeCheckpoint } from "./checkpoint/take-checkpoint.ts";
export { delegatedCgroupFiles } from "./criu/cgroup-tree.ts";
export { thawTasks } from "./criu/freezer.ts";
export { criuVersion } from "./criu/probe.ts";
export { fail as bridgeError } from "./errors.ts";
export type {
  MigrationIdentity,
  Outcome,
  RestoreRequest,
  RuncContainer,
  SourceNetwork,
  SourcePorts,
  SourceVolume,
  TargetNetwork,
  TargetPorts,
  TargetVolume,
} from "./session/ports.ts";
export { pruneOperations } from "./session/prune-operations.ts";
export { resumedHost } from "./session/resumed-host.ts";
export { ResumedSession, unfinishedSessions, type UnfinishedSession } from "./session/resumed-session.ts";
export type { SessionHost } from "./session/session-options.ts";
export type { SessionPhase, SessionReport } from "./session/session-report.ts";
export { SourceSession, type SourceSessionOptions } from "./session/source-session.ts";
export { type Expected, TargetListener } from "./session/target-listener.ts";
export type { TargetSession, TargetSessionOptions } from "./session/target-session.ts";
export type { TimelineStep } from "./session/timeline.ts";
