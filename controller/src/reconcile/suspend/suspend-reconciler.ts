import type { Checkpoint, VirtualServer } from "@vfleet/shared";
import { checkpointKind, codeOf, restoreKind, virtualServerKind } from "@vfleet/shared";
import { serverView } from "../checkpoint/checkpoint-view.ts";
import type { ReconcileContext } from "../context.ts";
import { objectKeyOf } from "../context.ts";
import { suspendStep, type SuspendAction } from "./suspend-step.ts";

/** Does what `suspendStep` says. */
export class SuspendReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(key: string): Promise<void> {
    const { store } = this.#context;
    const place = { namespace: "default", ...objectKeyOf(key) };
    const server = store.get(virtualServerKind, place);
    if (server === undefined) return this.#tidyUp(place);
    if (server.metadata.deletionTimestamp !== undefined) return;
    const checkpoint = this.#checkpointOf(server);
    // Most servers have nothing to do with it.
    const { suspended } = server.status ?? {};
    if (server.spec.runStrategy === "Running" && suspended === undefined && checkpoint === undefined) return;
    const name = suspended?.checkpoint ?? checkpoint?.metadata.name ?? "";
    const restore = store.get(restoreKind, { namespace: place.namespace, name: resumeName(name) });
    const isRunning = serverView(this.#context, place)?.isRunning === true;
    const action = suspendStep({ server, isRunning, checkpoint, restore });
    if (action !== undefined) await this.#act(server, action, name);
  }

  /** Of a server that is gone. */
  async #tidyUp({ namespace, name }: { namespace: string; name: string }): Promise<void> {
    const { store } = this.#context;
    for (const { metadata, spec } of store.list(checkpointKind, { namespace }).items)
      if (spec.stops && spec.server === name && metadata.deletionTimestamp === undefined)
        await this.#remove(() => store.delete(checkpointKind, metadata));
  }

  #checkpointOf({ metadata }: VirtualServer): Checkpoint | undefined {
    return this.#context.store
      .list(checkpointKind, { namespace: metadata.namespace })
      .items.find(
        (checkpoint) =>
          checkpoint.spec.stops &&
          checkpoint.metadata.deletionTimestamp === undefined &&
          checkpoint.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true,
      );
  }

  async #act(server: VirtualServer, action: SuspendAction, checkpoint: string): Promise<void> {
    const { store } = this.#context;
    const { namespace, name, generation = 1 } = server.metadata;
    switch (action.kind) {
      case "take":
        return this.#make(checkpointKind, server, {
          name: `${name}-suspended-${generation}`,
          spec: { server: name, stops: true },
        });
      case "resume":
        return this.#make(restoreKind, server, {
          name: resumeName(action.checkpoint),
          spec: { checkpoint: action.checkpoint },
        });
      case "note":
        return this.#setSuspended(server, { checkpoint: action.checkpoint });
      case "forget":
        // In this order: a checkpoint that is left would be gone on from once more.
        await this.#remove(() => store.delete(checkpointKind, { namespace, name: checkpoint }));
        await this.#setSuspended(server, undefined);
        await this.#remove(() => store.delete(restoreKind, { namespace, name: resumeName(checkpoint) }));
    }
  }

  async #setSuspended(server: VirtualServer, suspended: { checkpoint: string } | undefined): Promise<void> {
    await this.#context.store.mutate(
      virtualServerKind,
      server.metadata,
      (draft) => {
        if (draft.metadata.uid !== server.metadata.uid) return false;
        const { suspended: _suspended, ...status } = draft.status ?? {};
        draft.status = suspended === undefined ? status : { ...status, suspended };
        return undefined;
      },
      { scope: "status" },
    );
  }

  async #make(
    kind: typeof checkpointKind | typeof restoreKind,
    { apiVersion, kind: serverKind, metadata }: VirtualServer,
    { name, spec }: { name: string; spec: object },
  ): Promise<void> {
    const owner = { apiVersion, kind: serverKind, name: metadata.name, uid: metadata.uid ?? "", controller: true };
    const object = {
      apiVersion: "vfleet.dev/v1",
      kind: kind.kind,
      metadata: { name, namespace: metadata.namespace, ownerReferences: [owner] },
      spec,
    };
    const { store } = this.#context;
    try {
      if (kind === checkpointKind) await store.create(checkpointKind, checkpointKind.schema.parse(object));
      else await store.create(restoreKind, restoreKind.schema.parse(object));
    } catch (thrown) {
      if (codeOf(thrown) !== "already-exists") throw thrown;
    }
  }

  async #remove(remove: () => Promise<unknown>): Promise<void> {
    try {
      await remove();
    } catch (thrown) {
      if (codeOf(thrown) !== "not-found") throw thrown;
    }
  }
}

function resumeName(checkpoint: string): string {
  return `${checkpoint}-resumed`;
}
