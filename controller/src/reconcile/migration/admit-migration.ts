import type { Migration, MigrationStatus, Node, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded, parseBytes } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";
import type { OwnershipRecord } from "../../ownership/record.ts";
import type { Candidate } from "../../scheduler/placement.ts";
import { demandOf } from "../../scheduler/placement.ts";
import { schedule } from "../../scheduler/schedule.ts";
import { chooseMode } from "./choose-mode.ts";
import type { Objection } from "./movability.ts";
import { objectionToMove, unfitTargets } from "./movability.ts";
import { moveWishes } from "./move-wishes.ts";
import { knownDirtyRate, knownPath } from "./predict-pause.ts";

export interface AdmitView {
  migration: Migration;
  server: VirtualServer | undefined;
  owner: OwnershipRecord | undefined;
  /** Of the whole fleet. */
  migrations: readonly Migration[];
  nodes: readonly Node[];
  candidates: readonly Candidate[];
  presence: (node: string) => Presence;
  /** That the server uses; none: not known yet. */
  memoryBytes: number | undefined;
  limits: { parallelPerFleet: number; parallelOutboundPerNode: number };
  now: string;
}

export type Admittance = { start: MigrationStatus } | { wait: Objection } | { refuse: Objection };

/** Whether a move may begin now, and where to. What it returns to start with reserves the room at the target. */
export function admitMigration(view: AdmitView): Admittance {
  const { migration, server, owner, nodes } = view;
  const objection = objectionToMove({
    migration,
    server,
    nodes,
    migrations: view.migrations.filter((other) => other.metadata.namespace === migration.metadata.namespace),
  });
  if (objection !== undefined) return { refuse: objection };
  if (server === undefined || owner === undefined)
    return { refuse: { reason: "ServerNotPlaced", message: "no node owns it" } };
  if (view.presence(owner.node) === "unheard")
    return { wait: { reason: "WaitingForNode", message: `node "${owner.node}" has not been heard of yet` } };

  const active = view.migrations.filter(
    (other) => !isMigrationEnded(other) && (other.status?.phase ?? "Pending") !== "Pending",
  );
  const outbound = active.filter((other) => other.status?.sourceNode === owner.node);
  const { parallelPerFleet, parallelOutboundPerNode } = view.limits;
  if (active.length >= parallelPerFleet)
    return {
      wait: {
        reason: "WaitingForTurn",
        message: `${active.length} moves are under way in the fleet, ${parallelPerFleet} may be`,
      },
    };
  if (outbound.length >= parallelOutboundPerNode) {
    return {
      wait: {
        reason: "WaitingForTurn",
        message: `${outbound.length} moves are leaving node "${owner.node}", ${parallelOutboundPerNode} may`,
      },
    };
  }

  const { targetNode } = migration.spec;
  const candidates =
    targetNode === undefined ? view.candidates : view.candidates.filter((candidate) => candidate.name === targetNode);
  const source = nodes.find((node) => node.metadata.name === owner.node);
  const wishes = moveWishes(server, migration.spec);
  const choice = schedule(candidates, demandOf(server), unfitTargets(nodes, source, wishes.mode));
  if ("unschedulable" in choice) return { refuse: { reason: "NoTargetFits", message: choice.unschedulable } };
  const { bandwidthBytesPerSecond } = wishes.options;
  const chosen = chooseMode({
    wishes,
    memoryBytes: view.memoryBytes,
    memoryLimitBytes: parseBytes(server.spec.resources.limits.memory),
    path: knownPath(view.migrations, { source: owner.node, target: choice.node, limit: bandwidthBytesPerSecond }),
    tracksDirtyPages: source?.status?.fleet?.dirtyTracking === true,
    dirtyRateBytesPerSecond: knownDirtyRate(view.migrations, server.metadata),
  });
  return {
    start: {
      phase: "Preparing",
      ...chosen,
      ...(bandwidthBytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond }),
      sourceNode: owner.node,
      targetNode: choice.node,
      epoch: owner.epoch,
      startedAt: view.now,
    },
  };
}
