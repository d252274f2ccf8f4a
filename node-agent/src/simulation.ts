/** What a simulation runs of an agent: all of it, on a simulated host. */
export { type AgentHost, type AgentImages, runAgent, type RunningAgent } from "./agent.ts";
export type { Disk } from "./disk.ts";
export { Engine } from "./engine/engine.ts";
export type { NetworkDriver } from "./engine/network/network-driver.ts";
export type { ContainerState, RuntimeDriver } from "./engine/runtime/runtime-driver.ts";
export type { VolumeDriver } from "./engine/volume/volume-driver.ts";
export { Fencing, type FencingParts } from "./fencing/fencing.ts";
export type { CheckpointSessions } from "./link/checkpoint-sessions.ts";
export type { AgentConnection } from "./link/controller-link.ts";
export { Migrations } from "./migration/migrations.ts";
export type { MoveBridge, SourceMove, TargetMove } from "./migration/move-bridge.ts";
