import { readFileSync, writeFileSync } from "node:fs";
import { processesIn } from "../../../deploy/lab/cgroups.ts";
import { hostLayout, labLayout } from "../../../deploy/lab/layout.ts";

const sampleEveryMs = 50;
/** What proc(5) takes in `clear_refs` to begin the high-water mark anew. */
const resetPeak = "5";

/**
 * Resident memory of what a move needs on one host of the lab. The agent's is the kernel's own high-water mark, begun anew. Helpers (CRIU
 * with its daemon, runc, `btrfs send`) are the processes that appear beside it meanwhile; the largest sum seen at one moment counts.
 * The cgroup's own peak would hold the images on the tmpfs too.
 */
export class MemoryWatch {
  readonly #cgroup: string;
  readonly #agent: number;
  readonly #before: ReadonlySet<number>;
  readonly #timer: NodeJS.Timeout;
  #helpersPeakKiB = 0;

  constructor(lab: string, host: string) {
    this.#cgroup = hostLayout(labLayout(lab), host).systemCgroup;
    this.#before = new Set(processesIn(this.#cgroup));
    const agent = [...this.#before].find(isAgent);
    if (agent === undefined) throw new Error(`no agent runs on ${host}`);
    this.#agent = agent;
    writeFileSync(`/proc/${agent}/clear_refs`, resetPeak);
    this.#timer = setInterval(() => this.#sample(), sampleEveryMs);
  }

  /** Ends it. */
  peakMiB(): number {
    clearInterval(this.#timer);
    this.#sample();
    return Math.round((kibibytes(this.#agent, "VmHWM") + this.#helpersPeakKiB) / 1024);
  }

  #sample(): void {
    // Between fork and exec a helper looks like the agent, whose pages it shares.
    const helpers = processesIn(this.#cgroup).filter((pid) => !this.#before.has(pid) && !isAgent(pid));
    const sumKiB = helpers.reduce((sum, pid) => sum + kibibytes(pid, "VmRSS"), 0);
    this.#helpersPeakKiB = Math.max(this.#helpersPeakKiB, sumKiB);
  }
}

function isAgent(pid: number): boolean {
  return read(`/proc/${pid}/cmdline`).includes("node-agent");
}

/** 0 of a process that has ended. */
function kibibytes(pid: number, name: "VmHWM" | "VmRSS"): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
