import { codeOf, kinds, messageOf, namespaceKind, type ApiObject, type Kind, type Namespace } from "@vfleet/shared";
import type { StoreEvent } from "../store/object-store.ts";
import type { ResourceParts } from "./resource-request.ts";

/** Holds a namespace until what is in it is gone. */
export const contentFinalizer = "vfleet.dev/namespace-content";

/** Deletes the content of namespaces being deleted, and lets each go when it is empty. Returns how to stop it. */
export function startNamespaceReaper({
  store,
  log,
  environment,
}: Pick<ResourceParts, "store" | "log" | "environment">): () => void {
  let stopped = false;
  const busy = new Set<string>();

  async function reap(name: string): Promise<void> {
    if (busy.has(name) || stopped) return;
    busy.add(name);
    try {
      await mark(name);
      for (const { kind, object } of contentOf(name)) {
        if (object.metadata.deletionTimestamp === undefined)
          await store.delete(kind, object.metadata).catch(ignoreGone);
      }
      if (contentOf(name).length === 0) await release(name);
    } catch (thrown) {
      if (codeOf(thrown) !== "not-found")
        log.warn({ namespace: name, error: messageOf(thrown) }, "namespace not emptied yet");
    } finally {
      busy.delete(name);
    }
  }

  function contentOf(namespace: string): { kind: Kind; object: ApiObject }[] {
    return kinds
      .filter((kind) => kind.namespaced)
      .flatMap((kind) => store.list(kind, { namespace }).items.map((object) => ({ kind, object })));
  }

  async function mark(name: string): Promise<void> {
    await store.mutate(namespaceKind, { name }, (draft) => {
      if (draft.status?.phase === "Terminating") return false;
      draft.status = { ...draft.status, phase: "Terminating" };
      return draft;
    });
  }

  async function release(name: string): Promise<void> {
    await store.mutate(
      namespaceKind,
      { name },
      (draft) =>
        void (draft.metadata.finalizers = draft.metadata.finalizers?.filter(
          (finalizer) => finalizer !== contentFinalizer,
        )),
    );
    log.info({ namespace: name }, "namespace deleted");
  }

  const isLeaving = (namespace: Namespace | undefined) => namespace?.metadata.deletionTimestamp !== undefined;

  function onEvent(event: StoreEvent): void {
    const name =
      event.kind.plural === namespaceKind.plural ? event.object.metadata.name : event.object.metadata.namespace;
    if (name === undefined || !isLeaving(store.get(namespaceKind, { name }))) return;
    queueMicrotask(() => void reap(name));
  }

  const watch = store.watch(undefined, {}, onEvent);
  // What an event found busy, and what failed.
  const stopTimer = environment.every(1000, () => {
    for (const namespace of store.list(namespaceKind).items)
      if (isLeaving(namespace)) void reap(namespace.metadata.name);
  });
  return () => {
    stopped = true;
    watch.stop();
    stopTimer();
  };
}

function ignoreGone(thrown: unknown): void {
  if (codeOf(thrown) !== "not-found") throw thrown;
}
