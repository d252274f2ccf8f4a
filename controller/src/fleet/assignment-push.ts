import type { Environment, Logger, NodeAssignment, NodeReport } from "@vfleet/shared";
import { messageOf } from "@vfleet/shared";
import { z } from "zod";
import type { Assignment } from "./assignment.ts";
import type { FleetLink } from "./link.ts";

export interface AssignmentPushOptions {
  environment: Environment;
  log: Logger;
  link: FleetLink;
  build: () => ReadonlyMap<string, Assignment>;
  /** Above every revision of every controller before: `firstRevision`. */
  firstRevision: number;
}

interface Pushed {
  /** The assignment without its revision, to see whether it changed. */
  text: string;
  assignment: NodeAssignment;
  sentAtMs: number;
}

const debounceMs = 20;
/** An assignment not applied after this is sent again with the node's next report. */
const repeatMs = 2000;

/** Keeps every node told of the whole of what it should do: on change at once, and again until its reports say it was applied. */
export class AssignmentPush {
  readonly #options: AssignmentPushOptions;
  readonly #pushed = new Map<string, Pushed>();
  #revision: number;
  #dueMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: AssignmentPushOptions) {
    this.#options = options;
    this.#revision = options.firstRevision;
  }

  /** Something changed. `urgent`: a client waits for it (a move was committed). */
  changed(urgent = false): void {
    const { environment } = this.#options;
    const dueMs = environment.monotonicMs() + (urgent ? 0 : debounceMs);
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    void environment.sleep(urgent ? 0 : debounceMs).then(() => {
      if (this.#dueMs === dueMs) this.#refresh();
    });
  }

  /** What a node should do now: the answer to its `sync`. */
  current(node: string): NodeAssignment | undefined {
    this.#refresh();
    return this.#pushed.get(node)?.assignment;
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
    if (pushed === undefined || report.assignmentRevision >= pushed.assignment.revision) return;
    if (this.#options.environment.monotonicMs() - pushed.sentAtMs > repeatMs) this.#send(pushed);
  }

  /** Whether the node has applied the present assignment. */
  isApplied(report: NodeReport | undefined): boolean {
    if (report === undefined) return false;
    const current = this.current(report.node);
    return current !== undefined && report.assignmentRevision >= current.revision;
  }

  close(): void {
    this.#closed = true;
  }

  #refresh(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (this.#closed) return;
    const assignments = this.#options.build();
    for (const [node, assignment] of assignments) {
      const text = JSON.stringify(assignment);
      if (this.#pushed.get(node)?.text === text) continue;
      const pushed = { text, assignment: { ...assignment, revision: ++this.#revision }, sentAtMs: 0 };
      this.#pushed.set(node, pushed);
      this.#send(pushed);
    }
    for (const node of this.#pushed.keys()) if (!assignments.has(node)) this.#pushed.delete(node);
  }

  #send(pushed: Pushed): void {
    const { environment, link, log } = this.#options;
    const { node, revision } = pushed.assignment;
    pushed.sentAtMs = environment.monotonicMs();
    link
      .command(node, { kind: "assign", assignment: pushed.assignment }, { result: z.unknown(), timeoutMs: 5000 })
      .catch((thrown: unknown) =>
        log.debug(
          { node, revision, error: messageOf(thrown) },
          "assignment not taken; repeated with the node's next report",
        ),
      );
  }
}
