import { expect, it } from "vitest";
import { boxNames, isNode, maxHosts, nodeNames, underlayAddress, underlayMac } from "./address.ts";

it("gives every box of the largest lab an address and a MAC of its own", () => {
  const boxes = boxNames({ hosts: maxHosts, controllers: 3 });
  expect(new Set(boxes.map(underlayAddress)).size).toBe(boxes.length);
  expect(new Set(boxes.map(underlayMac)).size).toBe(boxes.length);
  expect(underlayAddress(`host-${maxHosts}`)).toBe("10.99.0.210");
});

it("tells nodes from the others", () => {
  expect(boxNames({ hosts: 2, controllers: 1 }).filter(isNode)).toEqual(nodeNames(2));
});

it.each(["host-0", "host-201", "host-1x", "web", ""])("refuses %j as a host", (name) => {
  expect(() => underlayAddress(name)).toThrow("Cannot find the host");
});
