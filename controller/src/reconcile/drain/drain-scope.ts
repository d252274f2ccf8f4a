import type { Drain, Migration, VirtualServer } from "@vfleet/shared";
import type { DrainView } from "./drain-view.ts";
import { isStoppedByDrain, movedNameOf, nameOf } from "./drain-view.ts";

/** What a drain is about: away from its node, or back to it. */
export interface DrainScope {
  /** Servers that are still to be moved. */
  toMove: readonly VirtualServer[];
  /** Stopped by the drain that is taken back: to be started. */
  toStart: readonly VirtualServer[];
  /** `namespace/name` of what it has stopped. */
  stopped: readonly string[];
  /** Said when nothing is left to move. */
  doneMessage: string;
}

export function scopeOf(view: DrainView, bringsBack: string | undefined): DrainScope {
  return view.drain.spec.bringBack ? scopeOfReturn(view, bringsBack) : scopeOfDrain(view);
}

/** The drain of the same node that a return takes back: the last one that was asked for before it. */
export function drainToTakeBack({ drain, drains }: Pick<DrainView, "drain" | "drains">): Drain | undefined {
  const madeAt = ({ metadata }: Drain) => metadata.creationTimestamp ?? "";
  return drains
    .filter(
      (other) =>
        other.spec.node === drain.spec.node &&
        !other.spec.bringBack &&
        !other.spec.dryRun &&
        other.metadata.uid !== drain.metadata.uid &&
        madeAt(other) <= madeAt(drain),
    )
    .toSorted((a, b) => madeAt(a).localeCompare(madeAt(b)))
    .at(-1);
}

function scopeOfDrain({ drain, servers }: DrainView): DrainScope {
  const here = servers.filter(
    (server) => server.status?.nodeName === drain.spec.node && server.metadata.deletionTimestamp === undefined,
  );
  return {
    toMove: here.filter(mayRun),
    toStart: [],
    stopped: here.filter((server) => isStoppedByDrain(server, drain.metadata.uid)).map(nameOf),
    doneMessage:
      here.length === 0
        ? "No server is left on it"
        : `No server runs on it; ${here.length} that are stopped stay, with their files`,
  };
}

/** What has moved again since, or been deleted or stopped, is left where it is. */
function scopeOfReturn({ drain, servers, migrations }: DrainView, bringsBack: string | undefined): DrainScope {
  if (bringsBack === undefined)
    return { toMove: [], toStart: [], stopped: [], doneMessage: "It was not drained: there is nothing to bring back" };
  const away = new Map(
    migrations.filter((migration) => isDoneBy(migration, bringsBack)).map((one) => [movedNameOf(one), one.status]),
  );
  const isWhereItWasPut = (server: VirtualServer) => {
    const { targetNode, epoch = 0 } = away.get(nameOf(server)) ?? {};
    const { nodeName, epoch: epochNow } = server.status ?? {};
    return targetNode !== undefined && nodeName === targetNode && epochNow === epoch + 1;
  };
  return {
    toMove: servers.filter(
      (server) => server.metadata.deletionTimestamp === undefined && isWhereItWasPut(server) && mayRun(server),
    ),
    toStart: servers.filter(
      (server) => server.status?.nodeName === drain.spec.node && isStoppedByDrain(server, bringsBack),
    ),
    stopped: [],
    doneMessage: "Nothing is left to bring back",
  };
}

function isDoneBy({ metadata, status }: Migration, drainUid: string): boolean {
  return status?.phase === "Succeeded" && metadata.ownerReferences?.some(({ uid }) => uid === drainUid) === true;
}

/** Running or on its way to it; also what nobody has heard of. What is stopped or has failed for good has nothing to move. */
function mayRun(server: VirtualServer): boolean {
  const phase = server.status?.phase ?? "Pending";
  return phase !== "Stopped" && phase !== "Failed";
}
