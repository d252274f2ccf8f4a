import { describe, expect, test } from "vitest";
import { NetworkCopy } from "./network-copy.ts";

const piece = (from: number, to: number, servers: Record<string, string | null>, isLast = true) => ({
  versions: { from, to, isLast },
  peers: {},
  servers,
});

describe("a node's copy of the network map", () => {
  test("takes changes in order, drops what it has had, and doesn't skip what is missing", () => {
    const copy = new NetworkCopy();
    expect(copy.apply(piece(0, 2, { a: "1", b: "1" }))).toBe(true);
    expect(copy.apply(piece(2, 3, { a: "2" }))).toBe(true);
    expect(copy.apply(piece(0, 2, { a: "1", b: "1" }, false))).toBe(false);
    expect(copy.map.servers).toEqual({ a: "2", b: "1" });
    const again = new NetworkCopy({ peers: {}, servers: { a: "2", b: "1" }, version: 3 });
    expect(again.apply(piece(5, 6, { c: "1" }))).toBe(false);
    expect(again.apply(piece(2, 5, { b: null }))).toBe(true);
    expect(again.state.version).toBe(5);
    expect(again.map.servers).toEqual({ a: "2" });
  });

  test("goes on with the old map while a new one comes in pieces, and loses what is not in that", () => {
    const copy = new NetworkCopy({ peers: {}, servers: { old: "1", kept: "1" }, version: 7 });
    expect(copy.apply(piece(0, 11, { kept: "1" }, false))).toBe(false);
    expect(copy.map.servers).toEqual({ old: "1", kept: "1" });
    expect(copy.state.version).toBe(11);
    expect(copy.kept.version).toBe(7);
    expect(copy.apply(piece(12, 13, { late: "1" }))).toBe(false);
    expect(copy.apply(piece(11, 12, { new: "1" }))).toBe(true);
    expect(copy.map.servers).toEqual({ kept: "1", new: "1" });
  });

  test("takes news ahead of its turn at once, without taking it for the version it belongs to", () => {
    const copy = new NetworkCopy({ peers: {}, servers: { a: "1" }, version: 7 });
    expect(copy.apply({ peers: {}, servers: { a: "2" } })).toBe(true);
    expect(copy.map.servers).toEqual({ a: "2" });
    expect(copy.state.version).toBe(7);
  });

  test("a version can be given another number without changes", () => {
    const copy = new NetworkCopy({ peers: { h: "1" }, servers: { a: "1" }, version: 7 });
    copy.apply(piece(7, 1000, {}));
    expect(copy.state.version).toBe(1000);
    expect(copy.map).toEqual({ peers: { h: "1" }, servers: { a: "1" } });
  });

  test("equal maps have equal digests, however they came about", () => {
    const one = new NetworkCopy();
    one.apply(piece(0, 3, { a: "1", b: "2", c: "3" }));
    one.apply(piece(3, 4, { b: null, a: "9" }));
    const other = new NetworkCopy({ peers: {}, servers: { c: "3", a: "9" }, version: 1 });
    expect(other.state.digest).toBe(one.state.digest);
    other.apply(piece(1, 2, { c: "4" }));
    expect(other.state.digest).not.toBe(one.state.digest);
  });
});
