import { isDeepStrictEqual } from "node:util";
import { type ApiObject, type Kind } from "@vfleet/shared";
import { fail } from "./errors.ts";
import { resourceName } from "./object-key.ts";
import type { WriteScope } from "./object-store.ts";

/** What an update comes to. */
export type ObjectChange = { action: "none" } | { action: "write"; object: ApiObject } | { action: "remove" };

/** The object as it is first stored: the server's own members of metadata are the server's alone. */
export function newObject(object: ApiObject, filled: { uid: string; now: string }): ApiObject {
  const {
    resourceVersion: _version,
    selfLink: _link,
    managedFields: _fields,
    deletionTimestamp: _deletion,
    ...metadata
  } = object.metadata;
  return plain({ ...object, metadata: { ...metadata, uid: filled.uid, creationTimestamp: filled.now, generation: 1 } });
}

/** What storing `next` over `current` means. Throws `conflict` for another object of the same name, `invalid` for a new finalizer at the end. */
export function changeOf(
  kind: Kind,
  objects: { current: ApiObject; next: ApiObject },
  scope: WriteScope,
): ObjectChange {
  const { current, next } = objects;
  const name = current.metadata.name;
  if (next.metadata.uid !== undefined && next.metadata.uid !== current.metadata.uid) {
    throw fail("conflict", {
      what: resourceName(kind),
      name,
      reason: `uid ${next.metadata.uid} is not that of the object that has this name now (${current.metadata.uid ?? "none"})`,
    });
  }
  const merged = withScope(kind, objects, scope);
  const specChanged = !isDeepStrictEqual(merged.spec ?? null, current.spec ?? null);
  merged.metadata.generation = (current.metadata.generation ?? 0) + (specChanged ? 1 : 0);
  const finalizers = merged.metadata.finalizers ?? [];
  if (current.metadata.deletionTimestamp !== undefined) {
    const added = finalizers.find((finalizer) => !(current.metadata.finalizers ?? []).includes(finalizer));
    if (added !== undefined)
      throw fail("invalid", {
        what: resourceName(kind),
        name,
        reason: `finalizer ${added} cannot be added while it is being deleted`,
      });
    if (finalizers.length === 0) return { action: "remove" };
  }
  return isDeepStrictEqual(merged, unversioned(current)) ? { action: "none" } : { action: "write", object: merged };
}

/** The object marked as being deleted, which its finalizers hold up. */
export function markedForDeletion(current: ApiObject, now: string): ApiObject {
  return plain({
    ...current,
    metadata: { ...unversioned(current).metadata, deletionTimestamp: now, deletionGracePeriodSeconds: 0 },
  });
}

function withScope(kind: Kind, objects: { current: ApiObject; next: ApiObject }, scope: WriteScope): ApiObject {
  const { current, next } = objects;
  // All else is as it was stored: frozen, and shared with nobody who could change it.
  if (scope === "status") return withStatus(unversioned(current), next.status);
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, name, namespace } = current.metadata;
  const {
    resourceVersion: _version,
    selfLink: _link,
    managedFields: _fields,
    generateName: _generate,
    ...metadata
  } = next.metadata;
  const generateName = current.metadata.generateName;
  const merged: ApiObject = {
    ...next,
    metadata: {
      ...metadata,
      generateName,
      uid,
      creationTimestamp,
      deletionTimestamp,
      deletionGracePeriodSeconds,
      name,
      namespace,
    }, // undefined members go in `plain`
  };
  if (scope === "main" && kind.statusSubresource) merged.status = current.status;
  return plain(merged);
}

/** As stored: the version is the store's own. */
export function unversioned(object: ApiObject): ApiObject {
  const { resourceVersion: _version, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withStatus({ status: _status, ...rest }: ApiObject, status: unknown): ApiObject {
  return status === undefined ? rest : { ...rest, status: JSON.parse(JSON.stringify(status)) as unknown };
}

/** What it would be after a trip through JSON: no `undefined`, nothing shared with the caller. */
function plain(object: ApiObject): ApiObject {
  return JSON.parse(JSON.stringify(object)) as ApiObject; // the same type: only what JSON cannot say is gone
}
