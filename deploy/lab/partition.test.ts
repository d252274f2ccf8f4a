import { expect, it } from "vitest";
import { cutRules, cutsOf } from "./partition.ts";

const all = ["control", "client", "host-1", "host-2"];

it("keeps hosts that are cut off together connected", () => {
  const cuts = cutsOf({ hosts: ["host-1", "host-2"], from: [], oneWay: false, all });
  expect(cuts).toContainEqual({ from: "host-1", to: "control" });
  expect(cuts).toContainEqual({ from: "client", to: "host-2" });
  expect(cuts).not.toContainEqual({ from: "host-1", to: "host-2" });
  expect(cuts).toHaveLength(8);
});

it("loses only what the first host sends when asked for one way", () => {
  expect(cutsOf({ hosts: ["host-1"], from: ["host-2"], oneWay: true, all })).toEqual([
    { from: "host-1", to: "host-2" },
  ]);
});

it("refuses hosts that are not there, and a host from itself", () => {
  expect(() => cutsOf({ hosts: ["host-9"], from: [], oneWay: false, all })).toThrow('has no host "host-9"');
  expect(() => cutsOf({ hosts: ["host-1"], from: ["host-1"], oneWay: false, all })).toThrow("from itself");
});

it("writes one rule a cut, in a table that replaces the last", () => {
  const rules = cutRules([{ from: "host-1", to: "host-2" }]);
  expect(rules).toContain('iifname "host-1" oifname "host-2" drop');
  expect(rules.startsWith("table bridge lab\ndelete table bridge lab\n")).toBe(true);
  expect(cutRules([])).not.toContain("drop");
});
