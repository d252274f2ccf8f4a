import type { Migration, MigrationMode, Node, VirtualServer } from "@vfleet/shared";
import { conditionOf, hasRounds, isMigrationEnded, isNodeReady, isPostCopyMode, postCopyRule } from "@vfleet/shared";
import { moveWishes } from "./move-wishes.ts";
import type { MoveWishes } from "./move-wishes.ts";

export interface Objection {
  /** One CamelCase word for the status. */
  reason: string;
  message: string;
}

export interface MoveRequest {
  /** The one that asks: it is no obstacle itself. */
  migration: Migration;
  server: VirtualServer | undefined;
  nodes: readonly Node[];
  /** Of the server's namespace. */
  migrations: readonly Migration[];
}

/** Why a server can't be moved as asked, whatever room there is; none: it can. Asked when a Migration is made and when it begins. */
export function objectionToMove(request: MoveRequest): Objection | undefined {
  const { server, nodes } = request;
  const { server: serverName, targetNode } = request.migration.spec;
  if (server === undefined) return { reason: "ServerNotFound", message: `there is no virtual server "${serverName}"` };
  if (server.metadata.deletionTimestamp !== undefined)
    return { reason: "ServerDeleted", message: "it is being deleted" };
  const other = request.migrations.find(
    (migration) =>
      migration.spec.server === serverName &&
      migration.metadata.name !== request.migration.metadata.name &&
      !isMigrationEnded(migration) &&
      precedes(migration, request),
  );
  if (other !== undefined)
    return { reason: "AlreadyMigrating", message: `migration "${other.metadata.name}" of it has not ended` };
  const { phase = "Pending", nodeName } = server.status ?? {};
  if (targetNode !== undefined && targetNode === nodeName)
    return { reason: "AlreadyThere", message: `it is on node "${targetNode}" already` };
  // Migrating without a Migration that goes on: one has just ended, and the server's status follows in a moment.
  if (phase !== "Running" && phase !== "Migrating")
    return { reason: "ServerNotRunning", message: `it must be Running, it is ${phase}` };
  const source = nodes.find((node) => node.metadata.name === nodeName);
  return objectionToMode(server, moveWishes(server, request.migration.spec), source) ?? objectionToTarget(request);
}

/** Why a server can't be moved in the mode asked for, wherever to. A server that can't be dumped is refused before it is frozen. */
export function objectionToMode(
  server: VirtualServer,
  { mode, options }: Pick<MoveWishes, "mode" | "options">,
  source: Node | undefined,
): Objection | undefined {
  if (isPostCopyMode(mode) && !options.allowPostCopy)
    return { reason: "PostCopyNotAllowed", message: postCopyRule(mode) };
  if (hasRounds(mode) && source?.status?.fleet?.dirtyTracking === false) {
    const kernel = source.status.nodeInfo?.kernelVersion ?? "unknown";
    return {
      reason: "DirtyTrackingNeeded",
      message: `mode "${mode}" needs a kernel that tracks dirty pages, node "${source.metadata.name}" (Linux ${kernel}) does not`,
    };
  }
  const migratable = conditionOf(server.status?.conditions, "Migratable");
  if (mode === "Cold" || migratable?.status !== "False") return undefined;
  return {
    reason: migratable.reason ?? "NotMigratable",
    message: `it cannot be moved while it runs: ${migratable.message ?? "its node says so"}`,
  };
}

function objectionToTarget({ migration, nodes }: MoveRequest): Objection | undefined {
  const { targetNode } = migration.spec;
  if (targetNode === undefined) return undefined;
  const target = nodes.find((node) => node.metadata.name === targetNode);
  if (target === undefined) return { reason: "NodeNotFound", message: `there is no node "${targetNode}"` };
  if (!isNodeReady(target)) return { reason: "TargetNotReady", message: `node "${targetNode}" is not ready` };
  if (target.spec.unschedulable === true)
    return { reason: "TargetCordoned", message: `node "${targetNode}" is cordoned` };
  return undefined;
}

/** Nodes that a server on `source` can't move to in this mode, and why: its own, and those whose versions don't fit. */
export function unfitTargets(
  nodes: readonly Node[],
  source: Node | undefined,
  mode: MigrationMode,
): Map<string, string> {
  const unfit = new Map<string, string>();
  for (const node of nodes) {
    const name = node.metadata.name;
    if (name === source?.metadata.name) unfit.set(name, "where it runs now");
    else if (source !== undefined) {
      const difference = versionDifference(source, node, mode);
      if (difference !== undefined) unfit.set(name, difference);
    }
  }
  return unfit;
}

/** What is stopped and started again needs neither CRIU nor the same runc. */
function versionDifference(source: Node, target: Node, mode: MigrationMode): string | undefined {
  const pairs: [string, string | undefined, string | undefined][] = [
    ["architecture", source.status?.nodeInfo?.architecture, target.status?.nodeInfo?.architecture],
  ];
  const ofMemory: typeof pairs = [
    ["CRIU", source.status?.fleet?.criuVersion, target.status?.fleet?.criuVersion],
    ["runc", source.status?.fleet?.runcVersion, target.status?.fleet?.runcVersion],
  ];
  if (mode !== "Cold") pairs.push(...ofMemory);
  const different = pairs.find(([, needed, found]) => needed !== found);
  return different === undefined
    ? undefined
    : `with another ${different[0]} (needed ${different[1] ?? "none"}, found ${different[2] ?? "none"})`;
}

/** Of two that were asked for at once, the one that began or was made first goes on; the other gives way. */
function precedes(other: Migration, request: MoveRequest): boolean {
  if ((other.status?.phase ?? "Pending") !== "Pending") return true;
  const own = request.migrations.find((migration) => migration.metadata.name === request.migration.metadata.name);
  if (own === undefined) return true;
  const order = (migration: Migration) => `${migration.metadata.creationTimestamp ?? ""} ${migration.metadata.name}`;
  return order(other) < order(own);
}
