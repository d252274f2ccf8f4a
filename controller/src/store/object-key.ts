import { kinds, type Kind } from "@vfleet/shared";
import type { ObjectKey } from "./object-store.ts";

const clusterScope = "_";
/** Nearly every part. */
const isPlain = /^[-a-zA-Z0-9]*$/;

/** `.` separates the parts of a key, so that a subject filter can name a kind or a namespace; inside a part it is `=2E`. */
function encodePart(text: string): string {
  if (isPlain.test(text)) return text;
  return Array.from(Buffer.from(text, "utf8"), (byte) => {
    const character = String.fromCharCode(byte);
    return /[-a-zA-Z0-9]/.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function decodePart(text: string): string {
  if (!text.includes("=")) return text;
  return decodeURIComponent(text.replaceAll("=", "%"));
}

/** `vfleet=2Edev.virtualservers.default.web`, `core.nodes._.host-1`. */
export function encodeKey(kind: Kind, key: ObjectKey): string {
  const namespace = kind.namespaced ? encodePart(key.namespace ?? "") : clusterScope;
  return `${encodeKindOf(kind)}.${namespace}.${encodePart(key.name)}`;
}

const kindByPrefix = new Map(kinds.map((kind) => [encodeKindOf(kind), kind]));

function encodeKindOf(kind: Kind): string {
  return [kind.group === "" ? "core" : kind.group, kind.plural].map(encodePart).join(".");
}

/** None for a kind that this version does not know. */
export function decodeKey(text: string): { kind: Kind; key: ObjectKey } | undefined {
  const [group, plural, namespace, name] = text.split(".");
  if (group === undefined || plural === undefined || namespace === undefined || name === undefined) return undefined;
  const kind = kindByPrefix.get(`${group}.${plural}`);
  if (kind === undefined) return undefined;
  return { kind, key: { ...(kind.namespaced ? { namespace: decodePart(namespace) } : {}), name: decodePart(name) } };
}

/** Sorts as lists are sorted: by namespace, then by name. */
export function orderOf(key: ObjectKey): string {
  return `${key.namespace ?? ""}/${key.name}`;
}

/** `ns/name`, or `name` where there is no namespace: for people. */
export function displayName(key: ObjectKey): string {
  return key.namespace === undefined || key.namespace === "" ? key.name : `${key.namespace}/${key.name}`;
}

/** `virtualservers.vfleet.dev`, `nodes`: as Kubernetes words it in errors. */
export function resourceName(kind: Kind): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}
