import { existsSync, statfsSync } from "node:fs";
import { hasCapability, neededCapabilities, resourceCapability } from "./capability.ts";
import { readKernelConfig } from "./kernel-config.ts";
import type { Machine } from "./machine.ts";
import type { Report, Step } from "./report.ts";
import { isMet, requirements } from "./requirement.ts";

const supportedDebians = ["12", "13"];
const supportedArchitectures = ["x64", "arm64"];
const neededDiskBytes = 1024 ** 3;

/** Everything that would stop the installation or a migration later, named before anything is changed. */
export function preflight(machine: Machine, report: Report): boolean {
  for (const step of [...machineSteps(machine), ...capabilitySteps(machine), diskStep("/")]) report.add(step);
  // Without privilege every attempt below would fail, and say nothing more.
  if (!report.ok) return false;
  for (const step of kernelSteps(machine)) report.add(step);
  return report.ok;
}

export function machineSteps(machine: Machine): readonly Step[] {
  const name = `${machine.distribution} ${machine.debianVersion}`.trim();
  const isDebian = machine.distribution === "debian" && supportedDebians.includes(machine.debianVersion);
  return [
    machine.isRoot
      ? { name: "user", state: "ok", detail: "root" }
      : { name: "user", state: "failed", detail: "not root", hint: "Run as root, for example with sudo" },
    isDebian
      ? {
          name: "system",
          state: "ok",
          detail: `Debian ${machine.debianVersion} (${machine.codename}), Linux ${machine.kernelRelease}`,
        }
      : {
          name: "system",
          state: "failed",
          detail: `needs Debian 12 or 13, this is ${name}`,
          hint: "Use a machine or virtual machine with Debian 12 or 13",
        },
    supportedArchitectures.includes(machine.architecture)
      ? { name: "architecture", state: "ok", detail: machine.architecture }
      : {
          name: "architecture",
          state: "failed",
          detail: `needs ${supportedArchitectures.join(" or ")}, this is ${machine.architecture}`,
          hint: "Use a 64-bit x86 or ARM machine",
        },
  ];
}

export function capabilitySteps({ capabilities, isRoot }: Machine): readonly Step[] {
  if (!isRoot) return [];
  const missing = neededCapabilities.filter(({ bit }) => !hasCapability(capabilities, bit));
  const hint = "Run on the machine itself, or in a container with --privileged or --cap-add";
  const steps: Step[] = missing.map(({ name, purpose }) => ({
    name,
    state: "failed",
    detail: `not held (${purpose})`,
    hint,
  }));
  if (missing.length === 0)
    steps.push({ name: "capabilities", state: "ok", detail: `all ${neededCapabilities.length} that are needed` });
  if (!hasCapability(capabilities, resourceCapability.bit)) {
    steps.push({
      name: resourceCapability.name,
      state: "note",
      detail:
        "not held: resource limits cannot be raised, and only servers in a user namespace can be dumped (all are)",
    });
  }
  return steps;
}

function diskStep(path: string): Step {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const gibibytes = (free / 1024 ** 3).toFixed(1);
  return free >= neededDiskBytes
    ? { name: "disk", state: "ok", detail: `${gibibytes} GiB free on ${path}` }
    : {
        name: "disk",
        state: "failed",
        detail: `needs 1 GiB free on ${path}, has ${gibibytes} GiB`,
        hint: "Free some space",
      };
}

function kernelSteps(machine: Machine): readonly Step[] {
  const config = readKernelConfig(machine.kernelRelease);
  const failed: Step[] = requirements
    .filter((requirement) => !isMet(requirement, config))
    .map(({ name, purpose, hint }) => ({
      name,
      state: "failed",
      detail: `this kernel or its privileges lack it (${purpose})`,
      hint,
    }));
  if (failed.length === 0)
    failed.push({ name: "kernel", state: "ok", detail: `has ${requirements.map(({ name }) => name).join(", ")}` });
  if (!existsSync("/dev/loop-control")) {
    failed.push({
      name: "loop devices",
      state: "note",
      detail: "/dev/loop-control is not there: the lab needs it, a host with a btrfs partition doesn't",
      hint: 'Load the module ("modprobe loop")',
    });
  }
  return failed;
}
