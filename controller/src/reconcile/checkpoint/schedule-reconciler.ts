import { isDeepStrictEqual } from "node:util";
import type { Checkpoint, CheckpointSchedule } from "@vfleet/shared";
import {
  checkpointKind,
  checkpointScheduleKind,
  codeOf,
  restoreKind,
  selects,
  virtualServerKind,
} from "@vfleet/shared";
import type { ReconcileContext } from "../context.ts";
import { objectKeyOf } from "../context.ts";
import { serverView } from "./checkpoint-view.ts";
import { scheduleStep, type ScheduleStep, type ScheduleView } from "./schedule-step.ts";

/** Does what `scheduleStep` says. */
export class ScheduleReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(key: string): Promise<number | void> {
    const { store, events } = this.#context;
    const schedule = store.get(checkpointScheduleKind, objectKeyOf(key));
    if (schedule === undefined || schedule.metadata.deletionTimestamp !== undefined) return undefined;
    const step = scheduleStep(this.#view(schedule));
    // What is due first: its names follow from the time, so that it isn't made twice where the status can't be written.
    for (const checkpoint of step.create) await this.#create(schedule, checkpoint);
    await this.#write(schedule, step);
    for (const happening of step.events) events.record(schedule, happening);
    for (const name of step.remove) await this.#remove(schedule, name);
    return step.lookAgainMs;
  }

  #view(schedule: CheckpointSchedule): ScheduleView {
    const { store, environment, presence } = this.#context;
    const { namespace } = schedule.metadata;
    const { server, selector } = schedule.spec;
    const names = store
      .list(virtualServerKind, { namespace })
      .items.filter(({ metadata }) =>
        selector === undefined ? metadata.name === server : selects(selector, metadata.labels ?? {}),
      )
      .map(({ metadata }) => metadata.name);
    const restores = store.list(restoreKind, { namespace }).items;
    const isEnded = (phase: string | undefined) => phase === "Succeeded" || phase === "Failed";
    return {
      schedule,
      servers: names.flatMap((name) => {
        const view = serverView(this.#context, { namespace, name });
        if (view === undefined) return [];
        const isHeardOf = view.node === undefined || presence.of(view.node) !== "unheard";
        return [{ name, uid: view.uid, isRunning: view.isRunning, isHeardOf }];
      }),
      checkpoints: store.list(checkpointKind, { namespace }).items,
      restoring: new Set(restores.filter(({ status }) => !isEnded(status?.phase)).map(({ spec }) => spec.checkpoint)),
      nowMs: environment.nowMs(),
    };
  }

  async #create(
    { apiVersion, kind, metadata, spec }: CheckpointSchedule,
    { name, server }: ScheduleStep["create"][number],
  ): Promise<void> {
    const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true };
    const checkpoint: Checkpoint = checkpointKind.schema.parse({
      apiVersion: "vfleet.dev/v1",
      kind: "Checkpoint",
      metadata: { name, namespace: metadata.namespace, ownerReferences: [owner] },
      spec: { server, copies: spec.copies },
    });
    try {
      await this.#context.store.create(checkpointKind, checkpoint);
    } catch (thrown) {
      if (codeOf(thrown) !== "already-exists") throw thrown;
    }
  }

  async #write(schedule: CheckpointSchedule, { status }: ScheduleStep): Promise<void> {
    if (isDeepStrictEqual(schedule.status, status)) return;
    await this.#context.store.mutate(
      checkpointScheduleKind,
      schedule.metadata,
      (draft) => {
        if (draft.metadata.uid !== schedule.metadata.uid) return false;
        draft.status = status;
        return undefined;
      },
      { scope: "status" },
    );
  }

  async #remove(schedule: CheckpointSchedule, name: string): Promise<void> {
    const { store, events } = this.#context;
    try {
      await store.delete(checkpointKind, { namespace: schedule.metadata.namespace, name });
      events.record(schedule, { type: "Normal", reason: "SuccessfulDelete", message: `Checkpoint ${name}` });
    } catch (thrown) {
      if (codeOf(thrown) !== "not-found") throw thrown;
    }
  }
}
