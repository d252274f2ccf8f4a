import type { Environment, NetworkMap, NodeAssignment, NodeReport } from "@vfleet/shared";
import type { Assignment } from "./assignment.ts";
import type { FleetLink } from "./link.ts";

export interface AssignmentPushOptions {
  environment: Environment;
  link: Pick<FleetLink, "tell">;
  /** What a node should do; none: there is no such node. */
  assignmentOf: (node: string) => Assignment | undefined;
  networkMap: () => NetworkMap;
  nodes: () => readonly string[];
  /** Revision that the node has said it applied. */
  applied: (node: string) => number;
  /** Above every revision of every controller before: `firstRevision`. */
  firstRevision: number;
}

interface Pushed {
  /** The assignment without its revision, to see whether it changed. */
  text: string;
  assignment: Assignment;
  revision: number;
  sentAtMs: number;
  /** The map that it was sent last, and the revision that brought it. */
  map: string;
  mapRevision: number;
}

const debounceMs = 20;
/** An assignment not applied after this is sent again with the node's next report. */
const repeatMs = 2000;
/** The whole fleet is looked at for at most a fifth of the time. */
const restShare = 4;
/** Maps sent in one go, and the pause until the next; where a client waits, more at first. */
const mapBytesPerTurn = 1_000_000;
const urgentMapBytes = 64_000_000;
const mapTurnMs = 250;

/**
 * Keeps every node told of the whole of what it should do: on change at once, and again until its reports say it was applied. The network
 * map is as large as the fleet and every node's: a node that is known to have one is told of its own changes without it, and a new map
 * goes out as fast as its size allows.
 */
export class AssignmentPush {
  readonly #options: AssignmentPushOptions;
  readonly #pushed = new Map<string, Pushed>();
  readonly #dirty = new Set<string>();
  /** Nodes that have yet to get the present map. */
  readonly #mapless = new Set<string>();
  #map = "";
  #revision: number;
  #dueMs = Number.POSITIVE_INFINITY;
  #fleetDueMs = Number.POSITIVE_INFINITY;
  #fleetNotBeforeMs = 0;
  #isSendingMaps = false;
  #closed = false;

  constructor(options: AssignmentPushOptions) {
    this.#options = options;
    this.#revision = options.firstRevision;
  }

  /** Something changed for these nodes alone. */
  changedFor(nodes: Iterable<string>): void {
    for (const node of nodes) this.#dirty.add(node);
    const { environment } = this.#options;
    if (this.#dirty.size === 0 || Number.isFinite(this.#dueMs)) return;
    this.#dueMs = environment.monotonicMs() + debounceMs;
    void environment.sleep(debounceMs).then(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#refreshDirty();
    });
  }

  /** Something changed that any node may have to know. `urgent`: a client waits for it (a move was committed). */
  changed(urgent = false): void {
    const { environment } = this.#options;
    const nowMs = environment.monotonicMs();
    const dueMs = urgent ? nowMs : Math.max(nowMs + debounceMs, this.#fleetNotBeforeMs);
    if (dueMs >= this.#fleetDueMs) return;
    this.#fleetDueMs = dueMs;
    void environment.sleep(dueMs - nowMs).then(() => {
      if (this.#fleetDueMs === dueMs) this.#refreshFleet(urgent ? urgentMapBytes : mapBytesPerTurn);
    });
  }

  /** What a node should do now: the answer to its `sync`. */
  current(node: string): NodeAssignment | undefined {
    this.#map = JSON.stringify(this.#options.networkMap());
    const pushed = this.#refresh(node, () => undefined);
    if (pushed === undefined) return undefined;
    return { ...pushed.assignment, revision: pushed.revision, network: JSON.parse(this.#map) as NetworkMap }; // made above
  }

  /** The node's word on what it applied; repeats what was lost. */
  heard(report: NodeReport): void {
    const pushed = this.#pushed.get(report.node);
    // Only a store that was lost and begun anew makes a node know more than the controller: catch up.
    if (report.assignmentRevision > this.#revision) {
      this.#revision = report.assignmentRevision;
      this.#pushed.clear();
      this.changed();
      return;
    }
    if (pushed === undefined || report.assignmentRevision >= pushed.revision) return;
    if (this.#options.environment.monotonicMs() - pushed.sentAtMs > repeatMs) this.#sendWhole(report.node, pushed);
  }

  /** Whether the node has applied the present assignment. */
  isApplied(report: NodeReport | undefined): boolean {
    if (report === undefined) return false;
    const current = this.#refresh(report.node, (node, pushed) => this.#send(node, pushed));
    return current !== undefined && report.assignmentRevision >= current.revision;
  }

  close(): void {
    this.#closed = true;
  }

  #refreshDirty(): void {
    if (this.#closed) return;
    for (const node of this.#dirty) this.#refresh(node, () => this.#sendNew(node));
    this.#dirty.clear();
  }

  #refreshFleet(mapBytes: number): void {
    this.#fleetDueMs = Number.POSITIVE_INFINITY;
    if (this.#closed) return;
    const { environment, networkMap, nodes } = this.#options;
    const startedAtMs = environment.monotonicMs();
    this.#dirty.clear();
    this.#map = JSON.stringify(networkMap());
    const present = new Set(nodes());
    for (const node of present) {
      const pushed = this.#refresh(node, () => this.#sendNew(node));
      if (pushed !== undefined && pushed.map !== this.#map) this.#mapless.add(node);
    }
    for (const node of this.#pushed.keys()) if (!present.has(node)) this.#forget(node);
    if (!this.#isSendingMaps || mapBytes > mapBytesPerTurn) this.#sendMaps(mapBytes);
    const endedAtMs = environment.monotonicMs();
    this.#fleetNotBeforeMs = endedAtMs + restShare * (endedAtMs - startedAtMs);
  }

  #forget(node: string): void {
    this.#pushed.delete(node);
    this.#mapless.delete(node);
  }

  /** What a node has been told, made what it should do; `onNew` where that is something else. */
  #refresh(node: string, onNew: (node: string, pushed: Pushed) => void): Pushed | undefined {
    const assignment = this.#options.assignmentOf(node);
    if (assignment === undefined) {
      this.#forget(node);
      return undefined;
    }
    const text = JSON.stringify(assignment);
    const known = this.#pushed.get(node);
    if (known?.text === text) return known;
    const pushed: Pushed = {
      map: "",
      mapRevision: Number.POSITIVE_INFINITY,
      ...known,
      text,
      assignment,
      revision: ++this.#revision,
      sentAtMs: 0,
    };
    this.#pushed.set(node, pushed);
    onNew(node, pushed);
    return pushed;
  }

  #sendNew(node: string): void {
    const pushed = this.#pushed.get(node);
    if (pushed !== undefined) this.#send(node, pushed);
  }

  /** Without the map where the node has said that it has one. */
  #send(node: string, pushed: Pushed): void {
    if (this.#options.applied(node) >= pushed.mapRevision) this.#tell(node, pushed, "");
    else this.#sendWhole(node, pushed);
  }

  #sendWhole(node: string, pushed: Pushed): void {
    if (this.#map === "") this.#map = JSON.stringify(this.#options.networkMap());
    if (pushed.map !== this.#map) {
      pushed.map = this.#map;
      pushed.revision = ++this.#revision;
      pushed.mapRevision = pushed.revision;
    }
    this.#mapless.delete(node);
    this.#tell(node, pushed, `,"network":${this.#map}`);
  }

  /** To as many nodes as the turn allows, the rest in the next ones, each the newest map there is then. */
  #sendMaps(mapBytes: number): void {
    const { environment } = this.#options;
    if (this.#closed) return;
    let bytes = 0;
    for (const node of this.#mapless) {
      const pushed = this.#pushed.get(node);
      this.#mapless.delete(node);
      if (pushed === undefined || pushed.map === this.#map) continue;
      this.#sendWhole(node, pushed);
      bytes += this.#map.length;
      if (bytes >= mapBytes) break;
    }
    if (this.#mapless.size === 0 || this.#isSendingMaps) return;
    this.#isSendingMaps = true;
    void environment.sleep(mapTurnMs).then(() => {
      this.#isSendingMaps = false;
      this.#sendMaps(mapBytesPerTurn);
    });
  }

  #tell(node: string, pushed: Pushed, network: string): void {
    const { environment, link } = this.#options;
    pushed.sentAtMs = environment.monotonicMs();
    const { revision } = pushed;
    // The JSON of an `AssignmentUpdate`, put together so that the map is made text once for all nodes.
    const assignment = `${pushed.text.slice(0, -1)},"revision":${revision}${network}}`;
    link.tell(node, `{"kind":"assign","assignment":${assignment}}`);
  }
}
