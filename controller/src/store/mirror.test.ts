import { namespaceKind, type Kind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { Mirror } from "./mirror.ts";
import { encodeKey } from "./object-key.ts";

const kind = namespaceKind as unknown as Kind;
const key = (name: string) => encodeKey(kind, { name });
const put = (mirror: Mirror, name: string, sequence: number) =>
  mirror.apply({
    key: key(name),
    sequence,
    atMs: 0,
    value: JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name } }),
  });
const remove = (mirror: Mirror, name: string, sequence: number) =>
  mirror.apply({ key: key(name), sequence, atMs: 0, value: undefined });
const names = (objects: readonly { metadata: { name: string } }[]) => objects.map((object) => object.metadata.name);

describe("mirror", () => {
  test("takes a repeated record once", () => {
    const mirror = new Mirror();
    const events: string[] = [];
    mirror.subscribe((event) => events.push(event.type));
    put(mirror, "a", 1);
    put(mirror, "a", 1);
    put(mirror, "a", 2);
    remove(mirror, "a", 3);
    expect(events).toEqual(["ADDED", "MODIFIED", "DELETED"]);
  });

  test("shows an earlier version by taking back what happened since", () => {
    const mirror = new Mirror();
    put(mirror, "a", 1);
    put(mirror, "b", 2);
    remove(mirror, "a", 3);
    put(mirror, "c", 4);
    expect(names(mirror.listAt(kind, 2))).toEqual(["a", "b"]);
    expect(names(mirror.list(kind))).toEqual(["b", "c"]);
  });

  test("keeps a bounded window, and says so when something fell out of it", () => {
    const mirror = new Mirror(4);
    for (let sequence = 1; sequence <= 9; sequence += 1) put(mirror, "a", sequence);
    expect(mirror.eventsAfter(6)).toHaveLength(3);
    expect(() => mirror.eventsAfter(1)).toThrow(expect.objectContaining({ code: "expired" }));
  });

  test("gives out nothing that a reader could change", () => {
    const mirror = new Mirror();
    put(mirror, "a", 1);
    expect(() => Object.assign(mirror.get(kind, { name: "a" })?.metadata ?? {}, { name: "b" })).toThrow(TypeError);
  });
});
