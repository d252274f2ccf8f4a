import type { Checkpoint, CheckpointStatus } from "@vfleet/shared";
import {
  checkpointDetailsSchema,
  checkpointFinalizer,
  checkpointKind,
  codeOf,
  messageOf,
  nodeKind,
} from "@vfleet/shared";
import { z } from "zod";
import type { ReconcileContext } from "../context.ts";
import { objectKeyOf } from "../context.ts";
import { copyCheckpoint, holdersOf, isInUse, nextCopy } from "./checkpoint-copies.ts";
import { checkpointStep, failed, readyStatus, type CheckpointAction } from "./checkpoint-step.ts";
import { serverView } from "./checkpoint-view.ts";

const commandTimeoutMs = 10_000;
/** Between two looks at one that is on its way. */
const lookMs = 1000;
/** Between two looks at whether its copies are all there. */
const copiesLookMs = 5000;

/** Does what `checkpointStep` says. */
export class CheckpointReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(key: string): Promise<number | void> {
    const { store, presence, environment } = this.#context;
    const checkpoint = store.get(checkpointKind, objectKeyOf(key));
    if (checkpoint === undefined) return undefined;
    const node = checkpoint.status?.node ?? "";
    const uid = checkpoint.metadata.uid ?? "";
    const { status, action } = checkpointStep({
      checkpoint,
      server: serverView(this.#context, { namespace: checkpoint.metadata.namespace, name: checkpoint.spec.server }),
      node: {
        presence: presence.of(node),
        exists: store.get(nodeKind, { name: node }) !== undefined,
        report: presence.report(node)?.checkpoints.find((report) => report.checkpoint === uid),
      },
      holders: holdersOf(this.#context, checkpoint),
      nextCopy: nextCopy(this.#context, checkpoint),
      isInUse: isInUse(this.#context, checkpoint),
      nowMs: environment.nowMs(),
    });
    await this.#write(checkpoint, status);
    if (action !== undefined) await this.#act({ ...checkpoint, status }, action);
    const isAtRest = status.phase === "Ready" || status.phase === "Failed";
    if (!isAtRest || checkpoint.metadata.deletionTimestamp !== undefined) return lookMs;
    // Nothing says that a node has fallen silent.
    return status.phase === "Ready" && checkpoint.spec.copies > 1 ? copiesLookMs : undefined;
  }

  async #write(checkpoint: Checkpoint, status: CheckpointStatus): Promise<void> {
    const { store, events } = this.#context;
    const before = checkpoint.status?.phase;
    await store.mutate(
      checkpointKind,
      checkpoint.metadata,
      (draft) => {
        if (draft.metadata.uid !== checkpoint.metadata.uid) return false;
        draft.status = status;
        return undefined;
      },
      { scope: "status" },
    );
    if (status.phase === before || status.phase === undefined || status.phase === "Pending") return;
    const pause = status.pauseMs === undefined ? "" : `, the server stood still for ${status.pauseMs} ms`;
    events.record(checkpoint, {
      type: status.phase === "Failed" ? "Warning" : "Normal",
      reason: status.phase,
      message: status.message ?? `${checkpoint.spec.server} on ${status.node}${pause}`,
    });
  }

  async #act(checkpoint: Checkpoint, action: CheckpointAction): Promise<void> {
    switch (action.kind) {
      case "add-finalizer":
        return this.#keepFinalizer(checkpoint, true);
      case "remove-finalizer":
        return this.#keepFinalizer(checkpoint, false);
      case "take":
        return this.#take(checkpoint);
      case "describe":
        return this.#describe(checkpoint);
      case "delete":
        return this.#delete(checkpoint, action);
      case "trim":
        return this.#deleteFrom(checkpoint, action.node);
      case "copy":
        return copyCheckpoint(this.#context, { id: checkpoint.metadata.uid ?? "", from: action.from, to: action.to });
    }
  }

  async #take(checkpoint: Checkpoint): Promise<void> {
    const { link } = this.#context;
    const { status = {}, metadata, spec } = checkpoint;
    const server = serverView(this.#context, { namespace: metadata.namespace, name: spec.server });
    if (server === undefined) return;
    try {
      await link.command(
        status.node ?? "",
        {
          kind: "checkpoint.take",
          checkpoint: metadata.uid ?? "",
          uid: server.uid,
          epoch: server.epoch,
          stops: spec.stops,
        },
        { result: z.unknown(), timeoutMs: commandTimeoutMs },
      );
    } catch (thrown) {
      // It may have heard it; it is asked again.
      if (codeOf(thrown) === "command-unanswered") return;
      await this.#write(checkpoint, failed(status, "Refused", messageOf(thrown)).status);
    }
  }

  async #describe(checkpoint: Checkpoint): Promise<void> {
    const { link } = this.#context;
    const { status = {}, metadata } = checkpoint;
    try {
      const details = await link.command(
        status.node ?? "",
        { kind: "checkpoint.describe", checkpoint: metadata.uid ?? "" },
        { result: checkpointDetailsSchema, timeoutMs: commandTimeoutMs },
      );
      await this.#write(checkpoint, readyStatus(status, details));
    } catch (thrown) {
      // It is asked again; where the node has lost it meanwhile, its next report says so.
      if (codeOf(thrown) === "command-unanswered" || codeOf(thrown) === "checkpoint-missing") return;
      throw thrown;
    }
  }

  async #delete(
    checkpoint: Checkpoint,
    { nodes, isLast }: Extract<CheckpointAction, { kind: "delete" }>,
  ): Promise<void> {
    try {
      for (const node of nodes) await this.#deleteFrom(checkpoint, node);
    } catch (thrown) {
      await this.#write(checkpoint, { ...checkpoint.status, message: messageOf(thrown) });
      return;
    }
    if (isLast) await this.#keepFinalizer(checkpoint, false);
  }

  async #deleteFrom({ metadata }: Checkpoint, node: string): Promise<void> {
    await this.#context.link.command(
      node,
      { kind: "checkpoint.delete", checkpoint: metadata.uid ?? "" },
      { result: z.unknown(), timeoutMs: commandTimeoutMs },
    );
  }

  async #keepFinalizer(checkpoint: Checkpoint, isWanted: boolean): Promise<void> {
    try {
      await this.#context.store.mutate(checkpointKind, checkpoint.metadata, (draft) => {
        if (isWanted && draft.metadata.deletionTimestamp !== undefined) return false;
        const others = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== checkpointFinalizer);
        draft.metadata.finalizers = isWanted ? [...others, checkpointFinalizer] : others;
        return undefined;
      });
    } catch (thrown) {
      if (codeOf(thrown) !== "not-found") throw thrown;
    }
  }
}
