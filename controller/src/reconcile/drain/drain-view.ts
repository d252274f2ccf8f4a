import type { DisruptionBudget, Drain, Migration, Node, VirtualServer } from "@vfleet/shared";
import type { Candidate } from "../../scheduler/placement.ts";

export type DrainStatus = NonNullable<Drain["status"]>;
export type Waiting = NonNullable<DrainStatus["waiting"]>[number];

/** Everything that decides what a drain does next. */
export interface DrainView {
  drain: Drain;
  /** All there are, this one among them. */
  drains: readonly Drain[];
  nodes: readonly Node[];
  servers: readonly VirtualServer[];
  /** Of the whole fleet. */
  migrations: readonly Migration[];
  budgets: readonly DisruptionBudget[];
  /** As they were when it was decided: what is taken of them meanwhile is given back. */
  candidates: readonly Candidate[];
  /** That a server uses; none: not known yet. */
  memoryBytes: (server: VirtualServer) => number | undefined;
  limits: { parallelPerFleet: number; parallelOutboundPerNode: number };
  now: string;
}

export type DrainAction =
  | { kind: "cordon" | "uncordon"; node: string }
  | { kind: "move"; name: string; namespace: string; server: string; targetNode: string; mode?: "Cold" }
  | { kind: "cancel-move"; name: string; namespace: string }
  | { kind: "stop" | "start"; namespace: string; server: string };

/** On a server that a drain has stopped: the drain's uid. Goes when its run strategy is changed by anyone else. */
export const stoppedByAnnotation = "vfleet.dev/stopped-by-drain";

export function isStoppedByDrain(server: VirtualServer, uid?: string): boolean {
  const by = server.metadata.annotations?.[stoppedByAnnotation];
  return server.spec.runStrategy === "Stopped" && by !== undefined && (uid === undefined || by === uid);
}

/** `namespace/name`. */
export function nameOf(server: VirtualServer): string {
  return `${server.metadata.namespace ?? "default"}/${server.metadata.name}`;
}

/** The same, of the server that is moved. */
export function movedNameOf(migration: Migration): string {
  return `${migration.metadata.namespace ?? "default"}/${migration.spec.server}`;
}

export function placeOf({ metadata }: VirtualServer): { namespace: string; server: string } {
  return { namespace: metadata.namespace ?? "default", server: metadata.name };
}
