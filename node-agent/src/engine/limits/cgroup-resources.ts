import type { ServerAssignment } from "@vfleet/shared";
import { deviceRules } from "../runtime/isolation-defaults.ts";

/** Scheduling period of the CPU quota, microseconds: the kernel's default. */
const cpuPeriodMicroseconds = 100_000;
const milliPerCpu = 1000;
/** cgroup v1 `cpu.shares`: 1024 is one CPU; the kernel takes 2 to 262,144. runc makes v2 weights of it. */
const sharesPerCpu = 1024;
const leastShares = 2;
const mostShares = 262_144;

/** A server's limits as `linux.resources` of the OCI runtime specification; runc writes them to cgroup v1 or v2. */
export function cgroupResources(limits: ServerAssignment["limits"]) {
  return {
    devices: deviceRules,
    ...adjustableResources(limits),
  };
}

/** The part that can be changed while the server runs (`runc update`). */
export function adjustableResources({ milliCpu, requestMilliCpu, memoryBytes, pids }: ServerAssignment["limits"]) {
  const shares = Math.round((requestMilliCpu / milliPerCpu) * sharesPerCpu);
  return {
    cpu: {
      shares: Math.min(mostShares, Math.max(leastShares, shares)),
      // -1 takes an earlier quota away.
      quota: milliCpu === undefined ? -1 : Math.round((milliCpu / milliPerCpu) * cpuPeriodMicroseconds),
      period: cpuPeriodMicroseconds,
    },
    memory: { limit: memoryBytes },
    pids: { limit: pids },
  };
}
