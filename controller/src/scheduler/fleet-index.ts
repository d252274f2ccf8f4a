import type {
  ApiObject,
  Image,
  Migration,
  Node,
  NodeTelemetry,
  VirtualServer,
  VirtualServerStatus,
} from "@vfleet/shared";
import { imageKind, isMigrationEnded, migrationKind, nodeKind, virtualServerKind } from "@vfleet/shared";
import type { Amounts, Candidate, Demand } from "./placement.ts";
import { addAmounts, demandOf, noAmounts, offerOf } from "./placement.ts";
import { Allocations } from "./allocations.ts";
import { Nominations } from "./nominations.ts";
import { Topology } from "./topology.ts";

export interface FleetSnapshot {
  nodes: readonly Node[];
  servers: readonly VirtualServer[];
  migrations: readonly Migration[];
  images: readonly Image[];
}

interface Change {
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: ApiObject;
}

interface Entry {
  server: VirtualServer | undefined;
  demand: Demand | undefined;
  /** Decided and not yet seen in the store. */
  assumed: VirtualServerStatus | undefined;
  /** Move to the node that it goes to, of those that have not ended. */
  targets: Map<string | symbol, string>;
  /** Names of its moves that have not ended. */
  moves: Set<string>;
  /** Where it is counted: bound, or on its way there. */
  counted: readonly string[];
}

/**
 * Who is where and what is left, kept up to date with the store change by change, so that no decision looks at every server. What
 * is bound or reserved is counted: the target of a move holds the server's room from the moment it is picked until the move ends.
 * All of it is derived from stored objects, but for what was decided this moment and is being written.
 */
export class FleetIndex {
  readonly allocations = new Allocations();
  readonly #topology = new Topology();
  readonly #candidates = new Map<string, Candidate>();
  #list: readonly Candidate[] | undefined;
  readonly #used = new Map<string, Amounts>();
  readonly #servers = new Map<string, Entry>();
  readonly #byUid = new Map<string, string>();
  readonly #unplaced = new Set<string>();
  readonly #byNode = new Map<string, Set<string>>();
  /** Priority to the number of servers that have it. */
  readonly #priorities = new Map<number, number>();
  readonly #images = new Map<string, readonly string[]>();
  readonly #measured = new Map<string, number>();
  readonly #nominations = new Nominations();
  /** Servers that room is counted for where they are not bound yet. */
  readonly #nominated = new Set<string>();

  static of(fleet: FleetSnapshot): FleetIndex {
    const index = new FleetIndex();
    for (const objects of [fleet.nodes, fleet.images, fleet.servers, fleet.migrations])
      for (const object of objects) index.apply({ type: "ADDED", object });
    return index;
  }

  /** Of every node, in the order in which they joined. */
  get candidates(): readonly Candidate[] {
    this.#list ??= [...this.#candidates.values()];
    return this.#list;
  }

  /** Servers that are bound nowhere, `namespace/name`: the most important first, then those that have waited longest. */
  unplacedInOrder(): string[] {
    const priorityOf = (key: string) => this.#servers.get(key)?.demand?.priority ?? 0;
    return [...this.#unplaced].toSorted((a, b) => priorityOf(b) - priorityOf(a));
  }

  /** Whether a move of the server has not ended. */
  isMoving(server: string): boolean {
    return (this.#servers.get(server)?.moves.size ?? 0) > 0;
  }

  /** Whether any server has a lower priority. */
  hasLessImportant(priority: number): boolean {
    for (const known of this.#priorities.keys()) if (known < priority) return true;
    return false;
  }

  /** `namespace/name` of the server with this uid. */
  serverOf(uid: string): string | undefined {
    return this.#byUid.get(uid);
  }

  /** The stored object with this uid. */
  serverByUid(uid: string): VirtualServer | undefined {
    return this.#servers.get(this.#byUid.get(uid) ?? "")?.server;
  }

  /** Servers bound to a node or on their way there, `namespace/name`. */
  serversOn(node: string): ReadonlySet<string> {
    return this.#byNode.get(node) ?? new Set();
  }

  /** That is asked for by them, without what is only kept for servers that may come. */
  usedOn(node: string): Readonly<Amounts> {
    const used = { ...(this.#used.get(node) ?? noAmounts()) };
    for (const key of this.#nominated) {
      const { demand, counted = [] } = this.#servers.get(key) ?? {};
      if (demand !== undefined && counted.includes(node)) addAmounts(used, demand, -1);
    }
    return used;
  }

  apply({ type, object }: Change): void {
    const isGone = type === "DELETED";
    switch (object.kind) {
      case virtualServerKind.kind:
        return this.#onServer(object as VirtualServer, isGone);
      case migrationKind.kind:
        return this.#onMigration(object as Migration, isGone);
      case nodeKind.kind:
        return this.#onNode(object as Node, isGone);
      case imageKind.kind:
        return this.#onImage(object as Image, isGone);
    }
  }

  /** A node's own sample of what it uses. */
  hear({ node, host }: NodeTelemetry): void {
    const candidate = this.#candidates.get(node);
    if (candidate === undefined) return;
    const { milliCpu, memoryBytes } = candidate.allocatable;
    const share = Math.max(host.milliCpu / Math.max(1, milliCpu), host.memoryBytes / Math.max(1, memoryBytes));
    this.#measured.set(node, share);
    candidate.measuredShare = share;
  }

  /** Counts a placement that is being written, until `settle`. */
  assumePlaced(server: string, status: VirtualServerStatus): void {
    const entry = this.#entry(server);
    entry.assumed = status;
    this.#update(server, entry);
  }

  /** The store has what was assumed, or never will. */
  settle(server: string): void {
    const entry = this.#servers.get(server);
    if (entry?.assumed === undefined) return;
    entry.assumed = undefined;
    this.#update(server, entry);
  }

  /** Counts a move's target that is being written; what is returned ends that. */
  assumeMove(server: string, node: string): () => void {
    const move = Symbol(server);
    const entry = this.#entry(server);
    entry.targets.set(move, node);
    this.#update(server, entry);
    return () => {
      const current = this.#servers.get(server);
      if (current?.targets.delete(move) === true) this.#update(server, current);
    };
  }

  /** Decides on a place for a server as if no room were kept for it, nor for less important ones. */
  deciding<T>(server: string, decide: () => T): T {
    const priority = this.#servers.get(server)?.demand?.priority ?? 0;
    const isKeptFrom = (key: string) => key !== server && (this.#servers.get(key)?.demand?.priority ?? 0) >= priority;
    const ignored = [...this.#nominated].flatMap((key) => {
      const entry = isKeptFrom(key) ? undefined : this.#servers.get(key);
      return entry === undefined ? [] : [entry];
    });
    for (const entry of ignored) this.#count(entry, -1);
    try {
      return decide();
    } finally {
      for (const entry of ignored) this.#count(entry, 1);
    }
  }

  /** Moves that make room for a server and have not ended, `namespace/name`. */
  movesFor(uid: string): readonly string[] {
    return this.#nominations.movesFor(uid);
  }

  /** A server was looked at for a place, and has none: what was kept for it isn't any more, unless more is on its way. */
  settleNomination(server: string): void {
    const entry = this.#servers.get(server);
    if (entry?.server?.metadata.uid === undefined) return;
    if (this.#nominations.settle(entry.server.metadata.uid)) this.#update(server, entry);
  }

  #entry(key: string): Entry {
    const known = this.#servers.get(key);
    if (known !== undefined) return known;
    const entry: Entry = {
      server: undefined,
      demand: undefined,
      assumed: undefined,
      targets: new Map(),
      moves: new Set(),
      counted: [],
    };
    this.#servers.set(key, entry);
    return entry;
  }

  #onServer(server: VirtualServer, isGone: boolean): void {
    const key = keyOf(server.metadata.namespace, server.metadata.name);
    const entry = this.#entry(key);
    const isNew = entry.server?.metadata.uid !== server.metadata.uid;
    if (isGone) entry.assumed = undefined;
    const isSame = !isNew && !isGone && entry.server !== undefined && isSameDemand(entry.server, server);
    if (!isSame) {
      this.#count(entry, -1);
      this.#countPriority(entry, -1);
      entry.demand = isGone ? undefined : demandOf(server);
      this.#count(entry, 1);
      this.#countPriority(entry, 1);
    }
    const { uid } = server.metadata;
    if (uid !== undefined && isGone) this.#byUid.delete(uid);
    else if (uid !== undefined && isNew) this.#byUid.set(uid, key);
    entry.server = isGone ? undefined : server;
    this.#update(key, entry);
  }

  #onMigration(migration: Migration, isGone: boolean): void {
    const { namespace, name } = migration.metadata;
    const key = keyOf(namespace, migration.spec.server);
    const entry = this.#entry(key);
    const target = migration.status?.targetNode;
    if (isGone || isMigrationEnded(migration)) entry.moves.delete(name);
    else entry.moves.add(name);
    if (isGone || target === undefined || isMigrationEnded(migration)) entry.targets.delete(name);
    else entry.targets.set(name, target);
    this.#update(key, entry);
    const nominee = this.#nominations.onMigration(migration, isGone, entry.server?.status?.nodeName);
    const nomineeKey = this.#byUid.get(nominee ?? "");
    const nomineeEntry = this.#servers.get(nomineeKey ?? "");
    if (nomineeKey !== undefined && nomineeEntry !== undefined) this.#update(nomineeKey, nomineeEntry);
  }

  #onNode(node: Node, isGone: boolean): void {
    const { name } = node.metadata;
    if (isGone) {
      this.#candidates.delete(name);
      this.#measured.delete(name);
      this.#list = undefined;
      return this.#topology.setNode(name, undefined);
    }
    const offer = offerOf(node);
    this.#topology.setNode(name, { labels: offer.labels, isOpen: offer.ready && !offer.cordoned });
    const known = this.#candidates.get(name);
    if (known !== undefined) {
      Object.assign(known, offer);
      return;
    }
    const measuredShare = this.#measured.get(name);
    const held = [...this.#images].filter(([, nodes]) => nodes.includes(name)).map(([image]) => image);
    this.#candidates.set(name, {
      ...offer,
      used: this.#usedOf(name),
      images: new Set(held),
      ...(measuredShare === undefined ? {} : { measuredShare }),
      topology: this.#topology,
    });
    this.#list = undefined;
  }

  #onImage(image: Image, isGone: boolean): void {
    const { name } = image.metadata;
    const before = this.#images.get(name) ?? [];
    const now = isGone ? [] : (image.status?.nodes ?? []);
    const change = (nodes: readonly string[], other: readonly string[], update: (images: Set<string>) => void) => {
      const others = new Set(other);
      for (const node of nodes) {
        const candidate = this.#candidates.get(node);
        if (candidate !== undefined && !others.has(node)) update(candidate.images as Set<string>); // made here
      }
    };
    change(before, now, (images) => images.delete(name));
    change(now, before, (images) => images.add(name));
    if (now.length === 0) this.#images.delete(name);
    else this.#images.set(name, now);
  }

  #update(key: string, entry: Entry): void {
    const { server, targets } = entry;
    const status = entry.assumed ?? server?.status;
    const bound = status?.nodeName;
    const nominated = bound === undefined ? this.#nominations.nodeFor(server?.metadata.uid) : undefined;
    if (bound !== undefined) this.#nominations.settle(server?.metadata.uid ?? "");
    const held = bound ?? nominated;
    const counted =
      server === undefined ? [] : [...new Set([...(held === undefined ? [] : [held]), ...targets.values()])];
    if (server !== undefined && nominated !== undefined) this.#nominated.add(key);
    else this.#nominated.delete(key);
    if (!isSameList(counted, entry.counted)) {
      this.#count(entry, -1);
      for (const node of entry.counted) this.#byNode.get(node)?.delete(key);
      entry.counted = counted;
      this.#count(entry, 1);
      for (const node of counted) this.#onNodeSet(node).add(key);
    }
    if (server !== undefined && bound === undefined) this.#unplaced.add(key);
    else this.#unplaced.delete(key);
    this.allocations.set(
      key,
      server === undefined
        ? {}
        : {
            address: status?.address,
            idBlockStart: status?.idBlockStart,
            wantedAddress: server.spec.network.address,
          },
    );
    if (server === undefined && targets.size + entry.moves.size === 0) this.#servers.delete(key);
  }

  #count({ demand, counted }: Entry, times: 1 | -1): void {
    if (demand === undefined) return;
    for (const node of counted) {
      addAmounts(this.#usedOf(node), demand, times);
      this.#topology.count(node, demand, times);
    }
  }

  #countPriority({ demand }: Entry, times: 1 | -1): void {
    if (demand === undefined) return;
    const servers = (this.#priorities.get(demand.priority) ?? 0) + times;
    if (servers === 0) this.#priorities.delete(demand.priority);
    else this.#priorities.set(demand.priority, servers);
  }

  #onNodeSet(node: string): Set<string> {
    const known = this.#byNode.get(node) ?? new Set();
    this.#byNode.set(node, known);
    return known;
  }

  /** Also of nodes that have not joined: what is bound to them is counted when they do. */
  #usedOf(node: string): Amounts {
    const known = this.#used.get(node) ?? noAmounts();
    this.#used.set(node, known);
    return known;
  }
}

/** Every node with what is bound to it and what is reserved on it, for one plan of its own. */
export function candidatesOf(fleet: FleetSnapshot): readonly Candidate[] {
  return FleetIndex.of(fleet).candidates;
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? "default"}/${name}`;
}

/** Whatever a demand is made of changes the generation, but for labels. */
function isSameDemand(a: VirtualServer, b: VirtualServer): boolean {
  if (a.metadata.generation !== b.metadata.generation) return false;
  const [before, after] = [a.metadata.labels ?? {}, b.metadata.labels ?? {}];
  const keys = Object.keys(after);
  return keys.length === Object.keys(before).length && keys.every((key) => before[key] === after[key]);
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
