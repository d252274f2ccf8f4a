import type { VirtualServer } from "@vfleet/shared";
import { codeOf, messageOf, virtualServerKind } from "@vfleet/shared";
import { z } from "zod";
import { isRestorePending } from "../fleet/assignment.ts";
import type { OwnershipRecord } from "../ownership/record.ts";
import type { ReconcileContext } from "../reconcile/context.ts";
import { objectKeyOf } from "../reconcile/context.ts";

const commandTimeoutMs = 5000;
const tellAgainMs = 1000;

/** Servers that were taken over and begin as a checkpoint: tells their nodes to restore it, until one has, or has failed. */
export class PendingRestores {
  readonly #context: ReconcileContext;
  readonly #notBeforeMs = new Map<string, number>();
  readonly #failed = new Set<string>();

  constructor(context: ReconcileContext) {
    this.#context = context;
    const { ownership, store } = context;
    for (const { metadata } of store.list(virtualServerKind).items) this.#see(ownership.get(metadata.uid ?? ""));
    ownership.onChange((uid) => this.#see(ownership.get(uid)));
  }

  #see(record: OwnershipRecord | undefined): void {
    if (record?.failover?.checkpoint !== undefined && record.failover.epoch === record.epoch)
      this.#notBeforeMs.set(record.uid, 0);
  }

  async look(): Promise<void> {
    const nowMs = this.#context.environment.monotonicMs();
    const due = [...this.#notBeforeMs].filter(([, notBeforeMs]) => notBeforeMs <= nowMs);
    await Promise.all(due.map(([uid]) => this.#drive(uid, nowMs)));
  }

  async #drive(uid: string, nowMs: number): Promise<void> {
    const { store, ownership, fleet, presence } = this.#context;
    const key = fleet.serverOf(uid);
    const server = key === undefined ? undefined : store.get(virtualServerKind, objectKeyOf(key));
    const owner = ownership.get(uid);
    const failover = owner?.failover;
    if (server === undefined || owner === undefined || failover === undefined || !isRestorePending(server, owner)) {
      this.#notBeforeMs.delete(uid);
      return;
    }
    this.#notBeforeMs.set(uid, nowMs + tellAgainMs);
    const report = presence.report(owner.node)?.restores.find(({ operation }) => operation === failover.id);
    const held = presence.serverReport(owner.node, uid);
    const runs = held?.epoch === owner.epoch && held.phase === "Running";
    if (runs || report?.phase === "Succeeded") return this.#succeeded(server, owner);
    if (report?.phase === "Failed")
      return this.#complain(server, failover.id, report.message ?? "its node doesn't say why");
    if (report === undefined) await this.#tell(server, owner);
  }

  async #tell(server: VirtualServer, { uid, node, epoch, failover }: OwnershipRecord): Promise<void> {
    const { link } = this.#context;
    const { id: operation = "", checkpoint = "" } = failover ?? {};
    try {
      await link.command(
        node,
        { kind: "checkpoint.restore", operation, checkpoint, replace: false, uid, epoch },
        { result: z.unknown(), timeoutMs: commandTimeoutMs },
      );
    } catch (thrown) {
      // It may not have applied its assignment yet; or it has heard this, and its report will say so.
      if (codeOf(thrown) === "server-unknown" || codeOf(thrown) === "command-unanswered") return;
      this.#complain(server, operation, messageOf(thrown));
    }
  }

  async #succeeded(server: VirtualServer, { uid, epoch }: OwnershipRecord): Promise<void> {
    const { store, events } = this.#context;
    await store.mutate(
      virtualServerKind,
      server.metadata,
      (draft) => {
        if (draft.metadata.uid !== uid) return false;
        draft.status = { ...draft.status, failover: { ...draft.status?.failover, restoredEpoch: epoch } };
        return undefined;
      },
      { scope: "status" },
    );
    events.record(server, { type: "Normal", reason: "Restored", message: "Runs again as its checkpoint kept it" });
  }

  #complain(server: VirtualServer, operation: string, why: string): void {
    if (this.#failed.has(operation)) return;
    this.#failed.add(operation);
    const { events, failoverMetrics } = this.#context;
    failoverMetrics.count("restore-failed");
    const message = `${why}; spec.availability.onNodeLoss: Restart starts it anew from its image`;
    events.record(server, { type: "Warning", reason: "RestoreFailed", message });
  }
}
