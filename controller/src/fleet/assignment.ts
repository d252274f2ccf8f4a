import type {
  Image,
  ImageAssignment,
  Node,
  NodeAssignment,
  ServerAssignment,
  ServerReport,
  VirtualServer,
} from "@vfleet/shared";
import { awaitsRestoreAnnotation, isolatedAnnotation, parseBytes, parseMilliCpu } from "@vfleet/shared";
import type { OwnershipRecord } from "../ownership/record.ts";
import { openOperation } from "../ownership/record.ts";

/** Everything that assignments are made of: stored objects, ownership records, and what nodes said they hold. */
export interface AssignmentSources {
  node(name: string): Node | undefined;
  image(name: string): Image | undefined;
  images(): readonly Image[];
  /** By uid. */
  server(uid: string): VirtualServer | undefined;
  ownedBy(node: string): readonly VirtualServer[];
  owner(uid: string): OwnershipRecord | undefined;
  reported(node: string): readonly ServerReport[];
  /** Whether it has a move that has not ended: what its two sides hold is their session's to clean. */
  isMoving(uid: string): boolean;
  /** Whether it was deleted, and every node that could be heard of had let it go. */
  isDropped(uid: string): boolean;
}

export type Assignment = Omit<NodeAssignment, "revision">;

/** Program of a server when neither it nor its image names one. */
const defaultCommand = ["/sbin/init"];
const imagePeersMax = 8;

/** What a node should do. Pure, and in an order that depends on the sources only: equal sources, equal text. */
export function assignmentOf(name: string, sources: AssignmentSources): Assignment | undefined {
  const node = sources.node(name);
  if (node === undefined) return undefined;
  const owned = sources.ownedBy(name).toSorted((a, b) => (uidOf(a) < uidOf(b) ? -1 : 1));
  const servers = owned.flatMap((server) => {
    const owner = sources.owner(uidOf(server));
    const assignment =
      owner === undefined ? undefined : knownAssignmentOf(server, sources.image(server.spec.image), owner);
    return assignment === undefined || isReleased(server, owner) ? [] : [assignment];
  });
  return { node: name, servers, releases: releasesOf(name, owned, sources), images: imagesOf(name, servers, sources) };
}

/** Its JSON. What it says of servers that are as they were is not written out again. */
export function assignmentText({ servers, ...rest }: Assignment): string {
  const texts = servers.map((server) => {
    const known = serverTexts.get(server);
    if (known !== undefined) return known;
    const text = JSON.stringify(server);
    serverTexts.set(server, text);
    return text;
  });
  return `{"servers":[${texts.join(",")}],${JSON.stringify(rest).slice(1)}`;
}

interface Known {
  image: Image | undefined;
  owner: OwnershipRecord;
  assignment: ServerAssignment | undefined;
}
/** Stored objects are frozen: the same ones make the same assignment. */
const assignments = new WeakMap<VirtualServer, Known>();
const serverTexts = new WeakMap<ServerAssignment, string>();

function knownAssignmentOf(
  server: VirtualServer,
  image: Image | undefined,
  owner: OwnershipRecord,
): ServerAssignment | undefined {
  const known = assignments.get(server);
  if (known?.image === image && known?.owner === owner) return known.assignment;
  const assignment = serverAssignmentOf(server, image, owner);
  assignments.set(server, { image, owner, assignment });
  return assignment;
}

/** It was taken from a lost node, and what its checkpoint kept has not run since. */
export function isRestorePending({ spec, status }: VirtualServer, { epoch, failover }: OwnershipRecord): boolean {
  if (failover?.checkpoint === undefined || failover.epoch !== epoch) return false;
  return status?.failover?.restoredEpoch !== epoch && spec.availability.onNodeLoss !== "Restart";
}

/** One that is to be suspended runs until its checkpoint has it. */
function isToRun({ spec, status }: VirtualServer): boolean {
  return spec.runStrategy === "Running" || (spec.runStrategy === "Suspended" && status?.suspended === undefined);
}

/** How a node is to run a server; none while it is not placed. */
export function serverAssignmentOf(
  server: VirtualServer,
  image: Image | undefined,
  owner: OwnershipRecord,
): ServerAssignment | undefined {
  const { spec, status } = server;
  if (status?.address === undefined || status.macAddress === undefined || status.idBlockStart === undefined)
    return undefined;
  if (status.imageDigest === undefined) return undefined;
  const [uid = 0, gid = 0] = (spec.user ?? "0:0").split(":").map(Number);
  const { requests, limits } = spec.resources;
  return {
    uid: uidOf(server),
    namespace: server.metadata.namespace ?? "default",
    name: server.metadata.name,
    epoch: owner.epoch,
    generation: server.metadata.generation ?? 1,
    // A stop that is asked for in the middle of a move takes effect after it.
    run: isToRun(server) || openOperation(owner) !== undefined,
    isIsolated: server.metadata.annotations?.[isolatedAnnotation] !== undefined,
    awaitsRestore:
      server.metadata.annotations?.[awaitsRestoreAnnotation] !== undefined ||
      status.suspended !== undefined ||
      isRestorePending(server, owner),
    restartPolicy: spec.restartPolicy,
    image: { name: spec.image, digest: status.imageDigest },
    command: spec.command ?? image?.spec.command ?? defaultCommand,
    environment: spec.environment ?? {},
    workingDirectory: spec.workingDirectory ?? "/",
    user: { uid, gid },
    hostname: spec.hostname ?? server.metadata.name,
    isolation: spec.isolation,
    // Until it is written down that it may not be taken over: then only may its node let it run on.
    endsWithLease: spec.availability.onNodeLoss !== "Wait" || status.failover?.armedEpoch === owner.epoch,
    limits: {
      ...(limits.cpu === undefined ? {} : { milliCpu: parseMilliCpu(limits.cpu) }),
      requestMilliCpu: parseMilliCpu(requests.cpu),
      memoryBytes: parseBytes(limits.memory),
      diskBytes: parseBytes(limits.disk),
      pids: parseBytes(limits.pids),
    },
    network: { address: status.address, macAddress: status.macAddress },
    idBlockStart: status.idBlockStart,
  };
}

/** Agents that hold an image, to fetch it from: a few, since each holder would be told of every other. */
export function imagePeersOf(
  image: Image | undefined,
  nodeOf: (name: string) => Node | undefined,
  exceptNode: string,
): ImageAssignment["peers"] {
  const peers: ImageAssignment["peers"] = [];
  for (const name of image?.status?.nodes ?? []) {
    if (peers.length === imagePeersMax) break;
    const node = name === exceptNode ? undefined : nodeOf(name);
    const endpoint = node === undefined ? undefined : endpointOf(node);
    if (endpoint !== undefined) peers.push({ node: name, endpoint });
  }
  return peers;
}

export function endpointOf(node: Node): { host: string; port: number } | undefined {
  const text = node.status?.fleet?.agentEndpoint;
  const at = text?.lastIndexOf(":") ?? -1;
  return text === undefined || at < 1 ? undefined : { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

function imagesOf(name: string, servers: readonly ServerAssignment[], sources: AssignmentSources): ImageAssignment[] {
  const needed = new Set(servers.map((server) => server.image.name));
  return sources
    .images()
    .filter((image) => {
      if (image.metadata.deletionTimestamp !== undefined) return false;
      const builds = image.status?.builderNode === name;
      return builds || needed.has(image.metadata.name) || image.status?.nodes?.includes(name) === true;
    })
    .map((image) => ({
      name: image.metadata.name,
      ...(image.status?.digest === undefined ? {} : { digest: image.status.digest }),
      source: sourceOf(image),
      peers: image.status?.digest === undefined ? [] : imagePeersOf(image, (node) => sources.node(node), name),
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

function sourceOf(image: Image): ImageAssignment["source"] {
  const { source } = image.spec;
  if ("tar" in source) return { tar: { path: source.tar.path } };
  const { suite, packages, mirror } = source.debootstrap;
  return { debootstrap: { suite, packages, ...(mirror === undefined ? {} : { mirror }) } };
}

function releasesOf(
  node: string,
  owned: readonly VirtualServer[],
  sources: AssignmentSources,
): NodeAssignment["releases"] {
  const releases = new Map<string, number>();
  for (const server of owned) {
    const owner = sources.owner(uidOf(server));
    if (owner !== undefined && isReleased(server, owner)) releases.set(owner.uid, owner.epoch);
  }
  for (const report of sources.reported(node)) {
    const owner = sources.owner(report.uid);
    const server = sources.server(report.uid);
    if (owner === undefined) {
      // Where nothing is known of it either, there is no reason to destroy it.
      if (sources.isDropped(report.uid)) releases.set(report.uid, report.epoch);
      continue;
    }
    if (owner.node === node || openOperation(owner) !== undefined || sources.isMoving(report.uid)) continue;
    if (isReleased(server, owner)) releases.set(report.uid, owner.epoch);
    else if (report.epoch < owner.epoch) releases.set(report.uid, owner.epoch - 1);
  }
  return [...releases].map(([uid, epoch]) => ({ uid, epoch })).toSorted((a, b) => a.uid.localeCompare(b.uid));
}

/** Deleted, and no move of it is open. */
function isReleased(server: VirtualServer | undefined, owner: OwnershipRecord | undefined): boolean {
  return server?.metadata.deletionTimestamp !== undefined && openOperation(owner) === undefined;
}

function uidOf(server: VirtualServer): string {
  return server.metadata.uid ?? "";
}
