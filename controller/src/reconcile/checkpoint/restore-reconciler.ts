import type { Restore, RestoreStatus } from "@vfleet/shared";
import { checkpointKind, codeOf, messageOf, restoreKind, timestamp } from "@vfleet/shared";
import { z } from "zod";
import type { ReconcileContext } from "../context.ts";
import { objectKeyOf } from "../context.ts";
import { serverView } from "./checkpoint-view.ts";
import { failedRestore, restoreStep } from "./restore-step.ts";

const commandTimeoutMs = 10_000;
const lookMs = 1000;

/** Does what `restoreStep` says. */
export class RestoreReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(key: string): Promise<number | void> {
    const { store, presence, environment } = this.#context;
    const restore = store.get(restoreKind, objectKeyOf(key));
    if (restore === undefined) return undefined;
    const { namespace, uid = "" } = restore.metadata;
    const checkpoint = store.get(checkpointKind, { namespace, name: restore.spec.checkpoint });
    const node = restore.status?.node ?? "";
    const server =
      checkpoint === undefined ? undefined : serverView(this.#context, { namespace, name: checkpoint.spec.server });
    const { status, action } = restoreStep({
      restore,
      checkpoint,
      server,
      node: {
        presence: presence.of(node),
        report: presence.report(node)?.restores.find((report) => report.operation === uid),
      },
      nowMs: environment.nowMs(),
      now: timestamp(environment),
    });
    await this.#write(restore, status);
    if (action !== undefined && checkpoint?.metadata.uid !== undefined && server !== undefined)
      await this.#command({ ...restore, status }, { checkpoint: checkpoint.metadata.uid, ...server });
    return status.phase === "Succeeded" || status.phase === "Failed" ? undefined : lookMs;
  }

  async #command(restore: Restore, about: { checkpoint: string; uid: string; epoch: number }): Promise<void> {
    const { link, environment } = this.#context;
    const { status = {}, metadata, spec } = restore;
    const { checkpoint, uid, epoch } = about;
    const now = timestamp(environment);
    try {
      await link.command(
        status.node ?? "",
        {
          kind: "checkpoint.restore",
          operation: metadata.uid ?? "",
          checkpoint,
          replace: spec.replace,
          uid,
          epoch,
        },
        { result: z.unknown(), timeoutMs: commandTimeoutMs },
      );
      await this.#write(restore, { ...status, acceptedAt: now });
    } catch (thrown) {
      // It may have heard it; it is asked again.
      if (codeOf(thrown) === "command-unanswered") return;
      await this.#write(restore, failedRestore(status, messageOf(thrown), now).status);
    }
  }

  async #write(restore: Restore, status: RestoreStatus): Promise<void> {
    const { store, events } = this.#context;
    const { namespace } = restore.metadata;
    const before = store.get(restoreKind, restore.metadata)?.status?.phase;
    await store.mutate(
      restoreKind,
      restore.metadata,
      (draft) => {
        if (draft.metadata.uid !== restore.metadata.uid) return false;
        draft.status = status;
        return undefined;
      },
      { scope: "status" },
    );
    if (status.phase === before || status.phase === undefined || status.phase === "Pending") return;
    const pause = status.pauseMs === undefined ? "" : ` after ${status.pauseMs} ms`;
    const happening = {
      type: status.phase === "Failed" ? ("Warning" as const) : ("Normal" as const),
      reason: status.phase,
      message: status.message ?? `Checkpoint ${restore.spec.checkpoint} on ${status.node}${pause}`,
    };
    events.record(restore, happening);
    const checkpoint = store.get(checkpointKind, { namespace, name: restore.spec.checkpoint });
    if (checkpoint !== undefined) events.record(checkpoint, { ...happening, reason: `Restore${status.phase}` });
  }
}
