import { expect, test } from "vitest";
import { parseCapabilities, parseOsRelease } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { capabilitySteps, machineSteps } from "./preflight.ts";

const machine: Machine = {
  distribution: "debian",
  debianVersion: "13",
  codename: "trixie",
  kernelRelease: "6.12.1",
  architecture: "x64",
  isRoot: true,
  capabilities: (1n << 41n) - 1n,
};

function failedNames(changes: Partial<Machine>): readonly string[] {
  const changed = { ...machine, ...changes };
  const steps = [...machineSteps(changed), ...capabilitySteps(changed)];
  return steps.filter(({ state }) => state === "failed").map(({ name }) => name);
}

test("accepts root on Debian 12 and 13", () => {
  expect(failedNames({})).toEqual([]);
  expect(failedNames({ debianVersion: "12", architecture: "arm64" })).toEqual([]);
});

test("names everything that stands in the way at once", () => {
  expect(failedNames({ isRoot: false, distribution: "ubuntu", debianVersion: "24.04" })).toEqual(["user", "system"]);
  expect(failedNames({ debianVersion: "11", architecture: "riscv64" })).toEqual(["system", "architecture"]);
});

test("names each missing capability, and only notes the one that can be done without", () => {
  const all = machine.capabilities;
  expect(failedNames({ capabilities: all & ~(1n << 21n) & ~(1n << 12n) })).toEqual(["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
  expect(failedNames({ capabilities: all & ~(1n << 24n) })).toEqual([]);
});

test("gives a hint with every failure", () => {
  const steps = [
    ...machineSteps({ ...machine, isRoot: false, debianVersion: "" }),
    ...capabilitySteps({ ...machine, capabilities: 0n }),
  ];
  expect(steps.filter(({ state, hint }) => state === "failed" && hint === undefined)).toEqual([]);
});

test("reads os-release and the effective capabilities", () => {
  expect(parseOsRelease('ID=debian\nVERSION_ID="12"\n')).toEqual({ ID: "debian", VERSION_ID: "12" });
  expect(parseCapabilities("CapPrm:\t00ff\nCapEff:\t000001fffeffffff\n")).toBe(0x1fffeffffffn);
});
