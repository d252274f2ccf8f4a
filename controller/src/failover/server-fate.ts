import type { VirtualServer } from "@vfleet/shared";
import type { OwnershipRecord } from "../ownership/record.ts";
import type { Choice } from "../scheduler/schedule.ts";
import type { RestoreSource } from "./restore-sources.ts";

/** Everything that decides what becomes of a server whose node is lost. */
export interface FateView {
  server: VirtualServer;
  owner: OwnershipRecord;
  /** A move of it has not ended. */
  isMoving: boolean;
  /** An operator says that the node is off: by the taint `node.kubernetes.io/out-of-service`. */
  isOutOfService: boolean;
  /** A living node has its image. */
  isImageThere: boolean;
  /** Newest first. */
  sources: () => readonly RestoreSource[];
}

/** It stays its node's, and why. */
export interface Left {
  reason: "Waits" | "NotRunning" | "Moving" | "NotFenced" | "NoCheckpoint" | "NoImage" | "NoRoom";
  message: string;
}

export type Wish = { left: Left } | { restart: true } | { restore: readonly RestoreSource[] };
export type Place = { left: Left } | { node: string; source?: RestoreSource; lost: string };

/** What is to be done about it, wherever there is room. */
export function failoverWish({ server, owner, isMoving, isOutOfService, isImageThere, sources }: FateView): Wish {
  const { spec, status, metadata } = server;
  const { onNodeLoss } = spec.availability;
  if (onNodeLoss === "Wait") return left("Waits", "it waits for its node, as spec.availability.onNodeLoss says");
  if (spec.runStrategy !== "Running" || metadata.deletionTimestamp !== undefined)
    return left("NotRunning", "it is not to run");
  if (isMoving) return left("Moving", "its migration has to end first");
  if (status?.failover?.armedEpoch !== owner.epoch && !isOutOfService) {
    return left(
      "NotFenced",
      "its node had not said yet that it ends it when it is cut off; if that node is off for certain, taint it node.kubernetes.io/out-of-service",
    );
  }
  if (onNodeLoss === "Restart") {
    return isImageThere ? { restart: true } : left("NoImage", `no node that is there has its image "${spec.image}"`);
  }
  const found = sources();
  if (found.length > 0) return { restore: found };
  return left(
    "NoCheckpoint",
    "no other node has a checkpoint of it; spec.availability.onNodeLoss: Restart would start it anew from its image, without its files",
  );
}

/** Where: of the newest checkpoint that a node has on which it fits. `choose`: a node for it, of these or of all. */
export function failoverPlace(
  { server, owner }: Pick<FateView, "server" | "owner">,
  wish: Exclude<Wish, { left: Left }>,
  choose: (among?: readonly string[]) => Choice,
): Place {
  if ("restart" in wish) {
    const choice = choose();
    if ("unschedulable" in choice) return left("NoRoom", choice.unschedulable);
    const lost = `what it had in memory and in its files on "${owner.node}" is lost, it begins anew from its image "${server.spec.image}"`;
    return { node: choice.node, lost };
  }
  let objection = "";
  for (const source of wish.restore) {
    const choice = choose(source.nodes);
    if ("node" in choice) {
      const lost = `what it did after its checkpoint "${source.name}" of ${source.takenAt} is lost`;
      return { node: choice.node, source, lost };
    }
    objection ||= choice.unschedulable;
  }
  return left("NoRoom", objection);
}

function left(reason: Left["reason"], message: string): { left: Left } {
  return { left: { reason, message } };
}
