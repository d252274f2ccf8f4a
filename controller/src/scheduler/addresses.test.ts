import { expect, test } from "vitest";
import { AddressPool, IdBlockPool, macAddressOf } from "./addresses.ts";

const small = { range: "10.200.0.0/29", gatewayAddress: "10.200.0.1", reserved: ["10.200.0.4/31"] };

test("gives the next address that is neither reserved nor taken, and comes back to those given back", () => {
  const pool = new AddressPool(small);
  const given = [1, 2, 3, 4].map(() => pool.allocate(new Set()));
  expect(given).toEqual(["10.200.0.2", "10.200.0.3", "10.200.0.6", "10.200.0.2"]);
  expect(pool.allocate(new Set(["10.200.0.3", "10.200.0.6"]))).toBe("10.200.0.2");
});

test("says when no address is left", () => {
  const taken = new Set(["10.200.0.2", "10.200.0.3", "10.200.0.6"]);
  expect(() => new AddressPool(small).allocate(taken)).toThrow("none of 10.200.0.0/29 is free");
});

test.each([
  ["10.200.0.0", "outside"],
  ["10.200.0.7", "outside"],
  ["10.201.0.2", "outside"],
  ["10.200.0.1", "reserved"],
  ["10.200.0.5", "reserved"],
])("objects to %s: %s", (address, reason) => expect(new AddressPool(small).objection(address)).toContain(reason));

test("has no objection to a free address", () =>
  expect(new AddressPool(small).objection("10.200.0.3")).toBeUndefined());

test("makes the MAC of the address", () => expect(macAddressOf("10.200.0.20")).toBe("02:76:0a:c8:00:14"));

test("gives blocks of ids that don't overlap, in turn", () => {
  const pool = new IdBlockPool({ start: 1_000_000_000, count: 3 });
  expect(pool.allocate(new Set([1_000_000_000]))).toBe(1_000_065_536);
  expect(pool.allocate(new Set())).toBe(1_000_131_072);
  expect(pool.allocate(new Set())).toBe(1_000_000_000);
  expect(() => new IdBlockPool({ start: 0, count: 1 }).allocate(new Set([0]))).toThrow("all 1 are taken");
});
