import type { Node } from "@vfleet/shared";
import { codeOf, conditionOf, isNodeReady, nodeKind, timestamp } from "@vfleet/shared";
import type { ReconcileContext } from "../context.ts";
import { newNode, nodeLabels, nodeStatus } from "./node-object.ts";

/** How often an unchanged node's heartbeat is written down at most. */
const heartbeatWriteMs = 10_000;
/** How often it is looked whether a node that was deleted speaks again. */
const joinLookMs = 1000;

/** Keeps each Node what its agent reports, and `Ready` what its silence says. */
export class NodeReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(name: string): Promise<number | void> {
    const { store, presence, environment, events, fleet } = this.#context;
    const report = presence.report(name);
    const existing = store.get(nodeKind, { name });
    if (existing === undefined && report === undefined) return undefined;
    const node = existing ?? (await this.#join(name));
    if (node === undefined) return joinLookMs;
    if (report !== undefined) await this.#label(node, nodeLabels(report));
    const status = nodeStatus({
      node,
      report,
      presence: presence.of(name),
      refusal: presence.refusalOf(name),
      requested: fleet.usedOn(name),
      used: presence.usage(name)?.host,
      clockOffsetMs: presence.clockOffsetMs(name),
      now: timestamp(environment),
    });
    const nowMs = environment.nowMs();
    const isHeard = presence.of(name) === "alive";
    const written = await store.mutate(
      nodeKind,
      { name },
      (draft) => {
        const isHeartbeatDue = isHeard && nowMs - (draft.status?.fleet?.lastHeartbeatMs ?? 0) >= heartbeatWriteMs;
        draft.status = isHeartbeatDue ? { ...status, fleet: { ...status.fleet, lastHeartbeatMs: nowMs } } : status;
      },
      { scope: "status" },
    );
    if (isNodeReady(node) !== isNodeReady(written)) {
      const ready = conditionOf(written.status?.conditions, "Ready");
      events.record(written, {
        type: isNodeReady(written) ? "Normal" : "Warning",
        reason: isNodeReady(written) ? "NodeReady" : "NodeNotReady",
        message: ready?.message ?? "",
      });
    }
    return undefined;
  }

  async #join(name: string): Promise<Node | undefined> {
    const { store, presence, events } = this.#context;
    const report = presence.report(name);
    // A node that was deleted while its agent is silent stays deleted until it speaks again.
    if (report === undefined || presence.of(name) !== "alive") return undefined;
    try {
      const node = await store.create(nodeKind, nodeKind.schema.parse(newNode(report)));
      events.record(node, { type: "Normal", reason: "Registered", message: `Node ${name} joined the fleet` });
      return node;
    } catch (thrown) {
      if (codeOf(thrown) !== "already-exists") throw thrown;
      return store.get(nodeKind, { name });
    }
  }

  async #label(node: Node, labels: Record<string, string>): Promise<void> {
    const isMissing = Object.entries(labels).some(([key, value]) => node.metadata.labels?.[key] !== value);
    if (!isMissing) return;
    await this.#context.store.mutate(nodeKind, { name: node.metadata.name }, (draft) => {
      draft.metadata.labels = { ...draft.metadata.labels, ...labels };
    });
  }
}
