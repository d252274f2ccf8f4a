import { Fencing, type FencingParts } from "@vfleet/node-agent/simulation";
import type { Logger } from "@vfleet/shared";
import type { Host } from "./host.ts";
import type { Mutants } from "./mutants.ts";
import type { MoveSite } from "./move-run.ts";

const lookMs = 100;

/** What the process beside the agent knows; gone with the power. */
export class Fences {
  readonly armed = new Set<string>();
  readonly ended = new Set<string>();
  deadline: FencingParts["folder"]["deadline"];
  sleeps = false;

  clear(): void {
    this.armed.clear();
    this.ended.clear();
    this.deadline = undefined;
  }
}

/** As `fence.sh` does, but that it freezes nobody before. */
export function startFence(host: Host): void {
  const { machine, fences } = host;
  const look = () => {
    if (fences.deadline !== undefined && machine.environment.monotonicMs() >= fences.deadline.endAtMs) endAll(host);
    machine.after(lookMs, look);
  };
  machine.after(lookMs, look);
}

function endAll(host: Host): void {
  if (host.fences.sleeps) return;
  for (const uid of host.fences.armed) {
    const state = host.containers.get(uid)?.state;
    if (state === undefined || state === "exited") continue;
    host.fences.ended.add(uid);
    host.kill(uid);
  }
}

/** The agent's own fencing, on a simulated host. */
export function simulatedFencing(
  { host, agent }: MoveSite,
  { log, mutants }: { log: Logger; mutants: Mutants },
): Promise<Fencing> {
  const { fences, machine } = host;
  fences.sleeps = mutants.fenceSleeps;
  const folder: FencingParts["folder"] = {
    arm: (uid) => void fences.armed.add(uid),
    disarm: (uid) => void fences.armed.delete(uid),
    isArmed: (uid) => fences.armed.has(uid),
    get armedCount() {
      return fences.armed.size;
    },
    takeEnded: (uid) => fences.ended.delete(uid),
    get deadline() {
      return fences.deadline;
    },
    set deadline(deadline) {
      fences.deadline = deadline;
    },
  };
  return Fencing.over({
    folder,
    program: { endAll: () => Promise.resolve(endAll(host)), keep: () => undefined, letGo: () => undefined },
    clockMs: () => machine.environment.monotonicMs(),
    environment: agent.environment,
    log,
  });
}
