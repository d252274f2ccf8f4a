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

export function scopeOf(view: DrainView, bringsBack: readonly string[]): DrainScope {
  return view.drain.spec.bringBack ? scopeOfReturn(view, bringsBack) : scopeOfDrain(view);
}

/**
 * Uids of the drains that a return takes back: the last one of the node, and those just before it that were cancelled or failed,
 * since that one finished what they had begun.
 */
export function drainsToTakeBack({ drain, drains }: Pick<DrainView, "drain" | "drains">): string[] {
  const madeAt = ({ metadata }: Drain) => metadata.creationTimestamp ?? "";
  const earlier = drains
    .filter(
      (other) =>
        other.spec.node === drain.spec.node &&
        !other.spec.dryRun &&
        other.metadata.uid !== drain.metadata.uid &&
        madeAt(other) <= madeAt(drain),
    )
    .toSorted((a, b) => madeAt(b).localeCompare(madeAt(a)));
  const last = earlier.findIndex(({ spec }) => !spec.bringBack);
  if (last === -1) return [];
  const before = earlier.slice(last + 1);
  const end = before.findIndex(({ spec, status }) => spec.bringBack || status?.phase === "Succeeded");
  const attempts = before.slice(0, end === -1 ? before.length : end);
  return [...earlier.slice(last, last + 1), ...attempts].flatMap(({ metadata }) => metadata.uid ?? []);
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
function scopeOfReturn({ drain, servers, migrations }: DrainView, bringsBack: readonly string[]): DrainScope {
  if (bringsBack.length === 0)
    return { toMove: [], toStart: [], stopped: [], doneMessage: "It was not drained: there is nothing to bring back" };
  const away = Map.groupBy(
    migrations.filter((migration) => isDoneBy(migration, bringsBack)),
    movedNameOf,
  );
  const isWhereItWasPut = (server: VirtualServer) => {
    const { nodeName, epoch = 0 } = server.status ?? {};
    const moves = away.get(nameOf(server)) ?? [];
    return moves.some(({ status }) => status?.targetNode === nodeName && (status?.epoch ?? 0) + 1 === epoch);
  };
  return {
    toMove: servers.filter(
      (server) => server.metadata.deletionTimestamp === undefined && isWhereItWasPut(server) && mayRun(server),
    ),
    toStart: servers.filter(
      (server) =>
        server.status?.nodeName === drain.spec.node && bringsBack.some((uid) => isStoppedByDrain(server, uid)),
    ),
    stopped: [],
    doneMessage: "Nothing is left to bring back",
  };
}

function isDoneBy({ metadata, status }: Migration, drainUids: readonly string[]): boolean {
  return status?.phase === "Succeeded" && metadata.ownerReferences?.some(({ uid }) => drainUids.includes(uid)) === true;
}

/** Running or on its way to it; also what nobody has heard of. What is stopped, suspended or has failed for good has nothing to move. */
function mayRun(server: VirtualServer): boolean {
  const phase = server.status?.phase ?? "Pending";
  return !["Stopped", "Suspended", "Failed"].includes(phase);
}
