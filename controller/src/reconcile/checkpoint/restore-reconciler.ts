import type { Checkpoint, Restore, RestoreStatus } from "@vfleet/shared";
import { checkpointKind, codeOf, messageOf, restoreKind, timestamp, virtualServerKind } from "@vfleet/shared";
import { z } from "zod";
import { demandOf } from "../../scheduler/placement.ts";
import type { Choice } from "../../scheduler/schedule.ts";
import type { ReconcileContext } from "../context.ts";
import { objectKeyOf } from "../context.ts";
import { copyCheckpoint, livingHolders } from "./checkpoint-copies.ts";
import { chooseRestoreNode } from "./checkpoint-places.ts";
import { serverView, type ServerView } from "./checkpoint-view.ts";
import { failedRestore, restoreStep, type RestoreAction } from "./restore-step.ts";
import { restoredServer, settle } from "./restored-server.ts";

const commandTimeoutMs = 10_000;
const lookMs = 1000;
/** For an operator to look at. */
const keptMs = 24 * 3_600_000;

interface Subject {
  restore: Restore;
  checkpoint: Checkpoint | undefined;
  server: ServerView | undefined;
}

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
    const name = restore.spec.target?.server ?? checkpoint?.spec.server;
    const server = name === undefined ? undefined : serverView(this.#context, { namespace, name });
    const node = restore.status?.node ?? "";
    const report = presence.report(node);
    const { status, action } = restoreStep({
      restore,
      checkpoint,
      server,
      holders: checkpoint === undefined ? [] : livingHolders(this.#context, checkpoint),
      node: {
        presence: presence.of(node),
        report: report?.restores.find((found) => found.operation === uid),
        checkpoint: report?.checkpoints.find((found) => found.checkpoint === checkpoint?.metadata.uid),
      },
      choose: () => this.#choose(restore, checkpoint),
      nowMs: environment.nowMs(),
      now: timestamp(environment),
    });
    await this.#write(restore, status);
    if (action !== undefined) await this.#act({ restore: { ...restore, status }, checkpoint, server }, action);
    const isEnded = status.phase === "Succeeded" || status.phase === "Failed";
    return isEnded && action === undefined ? this.#sweep(restore, status) : lookMs;
  }

  /** What has ended goes after a while, or is looked at again then. */
  async #sweep(restore: Restore, { endedAt }: RestoreStatus): Promise<number | void> {
    const { store, environment } = this.#context;
    const leftMs = Date.parse(endedAt ?? "") + keptMs - environment.nowMs();
    if (!(leftMs <= 0)) return Math.min(leftMs, keptMs) || keptMs;
    await store.delete(restoreKind, restore.metadata).catch((thrown: unknown) => {
      if (codeOf(thrown) !== "not-found") throw thrown;
    });
    return undefined;
  }

  #choose(restore: Restore, checkpoint: Checkpoint | undefined): Choice {
    const { fleet, presence } = this.#context;
    const server = checkpoint === undefined ? undefined : restoredServer(restore, checkpoint, "");
    if (checkpoint === undefined || server === undefined)
      return { unschedulable: "What its server was is not known: the checkpoint does not say" };
    return chooseRestoreNode({
      candidates: fleet.candidates,
      demand: demandOf(server),
      node: restore.spec.node,
      holders: livingHolders(this.#context, checkpoint),
      versions: checkpoint.status?.versions,
      infoOf: (node) => presence.report(node)?.info,
    });
  }

  async #act(subject: Subject, action: RestoreAction): Promise<void> {
    const { restore, checkpoint, server } = subject;
    const { store } = this.#context;
    const place = { namespace: restore.metadata.namespace, name: restore.spec.target?.server ?? "" };
    switch (action.kind) {
      case "restore":
        return this.#restore(subject);
      case "copy":
        return copyCheckpoint(this.#context, { id: checkpoint?.metadata.uid ?? "", from: action.from, to: action.to });
      case "make-server": {
        const made = checkpoint === undefined ? undefined : restoredServer(restore, checkpoint, action.node);
        if (made !== undefined) await store.create(virtualServerKind, made);
        return;
      }
      case "settle-server":
        await store.mutate(virtualServerKind, place, (draft) =>
          draft.metadata.uid === server?.uid ? settle(draft) : false,
        );
        return;
      case "remove-server":
        await store.delete(virtualServerKind, place, { uid: server?.uid });
    }
  }

  async #restore({ restore, checkpoint, server }: Subject): Promise<void> {
    const { link, environment } = this.#context;
    const { status = {}, metadata, spec } = restore;
    if (checkpoint?.metadata.uid === undefined || server === undefined) return;
    const now = timestamp(environment);
    try {
      await link.command(
        status.node ?? "",
        {
          kind: "checkpoint.restore",
          operation: metadata.uid ?? "",
          checkpoint: checkpoint.metadata.uid,
          replace: spec.replace,
          uid: server.uid,
          epoch: server.epoch,
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
