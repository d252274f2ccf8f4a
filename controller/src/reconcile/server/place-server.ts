import type { Condition, Image, VirtualServer, VirtualServerStatus } from "@vfleet/shared";
import { awaitsRestoreAnnotation, restoreNodeAnnotation, withCondition } from "@vfleet/shared";
import { macAddressOf, type AddressPool, type IdBlockPool } from "../../scheduler/addresses.ts";
import type { Allocations } from "../../scheduler/allocations.ts";
import type { Candidate } from "../../scheduler/placement.ts";
import { demandOf } from "../../scheduler/placement.ts";
import { schedule } from "../../scheduler/schedule.ts";
import type { Search } from "../../scheduler/search.ts";

export interface PlacementView {
  server: VirtualServer;
  image: Image | undefined;
  candidates: readonly Candidate[];
  /** What other servers have is taken. */
  allocations: Allocations;
  addresses: AddressPool;
  idBlocks: IdBlockPool;
  /** How many nodes are looked at; none: all. */
  search?: Search;
  now: string;
}

/** Reason of a server that fits nowhere. */
export const unschedulable = "Unschedulable";

/** The status of a server once it is placed, or once it is known why it isn't. */
type Placement = { placed: VirtualServerStatus } | Pending;

export interface Pending {
  pending: VirtualServerStatus;
  reason: string;
  message: string;
}

export function placeServer(view: PlacementView): Placement {
  const { annotations = {} } = view.server.metadata;
  const isRestored = annotations[awaitsRestoreAnnotation] !== undefined;
  // One that begins as a checkpoint has its files from that.
  const obstacle = isRestored ? undefined : imageObstacle(view.server, view.image);
  if (obstacle !== undefined) return pending(view, obstacle.reason, obstacle.message);
  const only = annotations[restoreNodeAnnotation];
  const candidates = only === undefined ? view.candidates : view.candidates.filter(({ name }) => name === only);
  const choice = schedule(candidates, demandOf(view.server), undefined, view.search);
  if ("unschedulable" in choice) return pending(view, unschedulable, choice.unschedulable);
  const allocated = allocate(view);
  if ("objection" in allocated) return pending(view, "AddressUnavailable", allocated.objection);
  const { reason: _reason, message: _message, ...kept } = view.server.status ?? {};
  return {
    placed: {
      ...kept,
      phase: "Starting",
      nodeName: choice.node,
      ...allocated,
      ...imageDigestOf(view.image, isRestored),
      restarts: kept.restarts ?? 0,
      // As it will be under the record that is written next, so that nothing of it has to be written again.
      epoch: 1,
      conditions: placedConditions(kept.conditions, view.now),
    },
  };
}

function placedConditions(conditions: readonly Condition[] | undefined, now: string): Condition[] {
  const scheduled = withCondition(conditions, { type: "Scheduled", status: "True", reason: "Placed" }, now);
  return withCondition(scheduled, { type: "Ready", status: "False", reason: "Starting" }, now);
}

function imageDigestOf(image: Image | undefined, isRestored: boolean): Pick<VirtualServerStatus, "imageDigest"> {
  const imageDigest = image?.status?.digest ?? (isRestored ? "" : undefined);
  return imageDigest === undefined ? {} : { imageDigest };
}

function imageObstacle(
  server: VirtualServer,
  image: Image | undefined,
): { reason: string; message: string } | undefined {
  const name = server.spec.image;
  if (image === undefined || image.metadata.deletionTimestamp !== undefined) {
    return { reason: "ImageNotFound", message: `There is no image "${name}"` };
  }
  const phase = image.status?.phase ?? "Pending";
  if (phase === "Ready" && image.status?.digest !== undefined) return undefined;
  const why = image.status?.message === undefined ? "" : `: ${image.status.message}`;
  return phase === "Failed"
    ? { reason: "ImageFailed", message: `Image "${name}" could not be made${why}` }
    : { reason: "ImageNotReady", message: `Image "${name}" is ${phase.toLowerCase()}${why}` };
}

type Allocated = Required<Pick<VirtualServerStatus, "address" | "macAddress" | "idBlockStart">>;

function allocate(view: PlacementView): Allocated | { objection: string } {
  const { server, allocations, addresses, idBlocks } = view;
  const key = `${server.metadata.namespace ?? "default"}/${server.metadata.name}`;
  const wanted = server.spec.network.address;
  if (wanted !== undefined) {
    const holder = allocations.holderOf(wanted, key);
    const isTaken = holder === undefined ? undefined : `"${wanted}" is taken by "${holder}"`;
    const objection = addresses.objection(wanted) ?? isTaken;
    if (objection !== undefined) return { objection: `Address ${objection}` };
  }
  const address = wanted ?? addresses.allocate(allocations.addressesFor(key));
  return {
    address,
    macAddress: macAddressOf(address),
    idBlockStart: idBlocks.allocate(allocations.idBlocksFor(key)),
  };
}

export function pending(view: Pick<PlacementView, "server" | "now">, reason: string, message: string): Pending {
  const conditions = withCondition(
    view.server.status?.conditions,
    { type: "Scheduled", status: "False", reason, message },
    view.now,
  );
  return {
    reason,
    message,
    pending: {
      ...view.server.status,
      phase: "Pending",
      reason,
      message,
      conditions: withCondition(conditions, { type: "Ready", status: "False", reason: "Pending" }, view.now),
    },
  };
}
