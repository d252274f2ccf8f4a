import type { Environment, NodeAssignment, NodeReport } from "@vfleet/shared";
import type { Assignment } from "./assignment.ts";
import { assignmentText } from "./assignment.ts";
import type { FleetLink } from "./link.ts";

export interface AssignmentPushOptions {
  environment: Environment;
  link: Pick<FleetLink, "tell">;
  /** What a node should do; none: there is no such node. */
  assignmentOf: (node: string) => Assignment | undefined;
  nodes: () => readonly string[];
  /** Above every revision of every controller before: `firstRevision`. */
  firstRevision: number;
}

interface Pushed {
  /** The assignment without its revision, to see whether it changed. */
  text: string;
  assignment: Assignment;
  revision: number;
  sentAtMs: number;
}

const debounceMs = 20;
/** An assignment not applied after this is sent again with the node's next report. */
const repeatMs = 2000;
/** The whole fleet is looked at for at most a fifth of the time. */
const restShare = 4;

/** Keeps every node told of the whole of what it should do: on change at once, and again until its reports say it was applied. */
export class AssignmentPush {
  readonly #options: AssignmentPushOptions;
  readonly #pushed = new Map<string, Pushed>();
  readonly #dirty = new Set<string>();
  #revision: number;
  #isDue = false;
  #isFleetDue = false;
  #fleetNotBeforeMs = 0;
  #closed = false;

  constructor(options: AssignmentPushOptions) {
    this.#options = options;
    this.#revision = options.firstRevision;
  }

  /** Something changed for these nodes alone. */
  changedFor(nodes: Iterable<string>): void {
    for (const node of nodes) this.#dirty.add(node);
    if (this.#dirty.size === 0 || this.#isDue) return;
    this.#isDue = true;
    void this.#options.environment.sleep(debounceMs).then(() => {
      this.#isDue = false;
      if (!this.#closed) this.#refreshDirty();
    });
  }

  /** Something changed that any node may have to know. */
  changed(): void {
    const { environment } = this.#options;
    if (this.#isFleetDue) return;
    this.#isFleetDue = true;
    const waitMs = Math.max(debounceMs, this.#fleetNotBeforeMs - environment.monotonicMs());
    void environment.sleep(waitMs).then(() => {
      this.#isFleetDue = false;
      if (!this.#closed) this.#refreshFleet();
    });
  }

  /** What a node should do now: the answer to its `sync`. */
  current(node: string): NodeAssignment | undefined {
    const pushed = this.#refresh(node, () => undefined);
    return pushed === undefined ? undefined : { ...pushed.assignment, revision: pushed.revision };
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
    if (this.#options.environment.monotonicMs() - pushed.sentAtMs > repeatMs) this.#send(report.node, pushed);
  }

  /** Whether the node has applied the present assignment. */
  isApplied(report: NodeReport | undefined): boolean {
    if (report === undefined) return false;
    const current = this.#refresh(report.node, (pushed) => this.#send(report.node, pushed));
    return current !== undefined && report.assignmentRevision >= current.revision;
  }

  close(): void {
    this.#closed = true;
  }

  #refreshDirty(): void {
    for (const node of this.#dirty) this.#refresh(node, (pushed) => this.#send(node, pushed));
    this.#dirty.clear();
  }

  #refreshFleet(): void {
    const { environment, nodes } = this.#options;
    const startedAtMs = environment.monotonicMs();
    this.#dirty.clear();
    const present = new Set(nodes());
    for (const node of present) this.#refresh(node, (pushed) => this.#send(node, pushed));
    for (const node of this.#pushed.keys()) if (!present.has(node)) this.#pushed.delete(node);
    const endedAtMs = environment.monotonicMs();
    this.#fleetNotBeforeMs = endedAtMs + restShare * (endedAtMs - startedAtMs);
  }

  /** What a node has been told, made what it should do; `onNew` where that is something else. */
  #refresh(node: string, onNew: (pushed: Pushed) => void): Pushed | undefined {
    const assignment = this.#options.assignmentOf(node);
    if (assignment === undefined) {
      this.#pushed.delete(node);
      return undefined;
    }
    const text = assignmentText(assignment);
    const known = this.#pushed.get(node);
    if (known?.text === text) return known;
    const pushed: Pushed = { text, assignment, revision: ++this.#revision, sentAtMs: 0 };
    this.#pushed.set(node, pushed);
    onNew(pushed);
    return pushed;
  }

  #send(node: string, pushed: Pushed): void {
    const { environment, link } = this.#options;
    pushed.sentAtMs = environment.monotonicMs();
    // The JSON of a `NodeAssignment`, put together of what was made to compare it.
    link.tell(node, `{"kind":"assign","assignment":${pushed.text.slice(0, -1)},"revision":${pushed.revision}}}`);
  }
}
