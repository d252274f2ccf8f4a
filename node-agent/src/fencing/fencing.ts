import type { AgentConfig, Environment, Logger, NodeReport } from "@vfleet/shared";
import { messageOf } from "@vfleet/shared";
import type { ServerRecord } from "../reconcile/server-record.ts";
import { bootClockMs } from "./boot-clock.ts";
import { FenceFolder } from "./fence-folder.ts";
import { FenceProgram } from "./fence-program.ts";
import { Lease } from "./lease.ts";

export interface FencingOptions {
  config: Pick<AgentConfig, "cgroupParent">;
  /** On a tmpfs. */
  folder: string;
  environment: Environment;
  log: Logger;
}

/** What it is on: a host's, or a simulated one's. */
export interface FencingParts extends Pick<FencingOptions, "environment" | "log"> {
  folder: Pick<FenceFolder, "arm" | "disarm" | "isArmed" | "armedCount" | "takeEnded" | "deadline">;
  program: Pick<FenceProgram, "endAll" | "keep" | "letGo">;
  /** Milliseconds since the boot. */
  clockMs: () => number;
}

/** Asks the controller for the lease, once; gives its length in milliseconds, or throws. */
export type AskForLease = () => Promise<number>;

const askAgainMs = 500;
const firstBeatMs = 1000;
const slowestBeatMs = 5000;
/** Asked so often within a lease. */
const beatsPerLease = 5;

/** Servers that would be taken over if this host were lost run here only while it has its lease: kept by a process that outlives the agent. */
export class Fencing {
  readonly #lease: Lease;
  readonly #parts: FencingParts;
  readonly #stop = new AbortController();
  #term: string | undefined;
  #lostAtMs: number | undefined;

  private constructor(parts: FencingParts) {
    const { environment, folder, clockMs } = parts;
    this.#parts = parts;
    this.#lease = new Lease({ folder, clockMs, id: () => environment.id() });
    this.#term = this.#lease.term;
  }

  static open({ config: { cgroupParent }, folder, environment, log }: FencingOptions): Promise<Fencing> {
    const program = new FenceProgram({ folder, cgroupParent, environment, log });
    return Fencing.over({ folder: new FenceFolder(folder), program, clockMs: bootClockMs, environment, log });
  }

  /** Ends what should have been ended by now, before anything else is done. */
  static async over(parts: FencingParts): Promise<Fencing> {
    const fencing = new Fencing(parts);
    if (fencing.term === undefined) await parts.program.endAll();
    parts.program.keep();
    return fencing;
  }

  /** None while the lease is not held. */
  get term(): string | undefined {
    return this.#lease.term;
  }

  /** A server's record is about to be what it says. */
  follow({ uid, assignment, heldBy, restoring }: ServerRecord): void {
    if (assignment?.endsWithLease !== true) return this.#parts.folder.disarm(uid);
    // What runs isn't ended for want of a lease that it did without until now.
    if (this.term === undefined && !this.isArmed(uid)) return;
    this.#parts.folder.arm(uid, heldBy === undefined && restoring === undefined ? "free" : "held");
  }

  /** Whether it is ended before the lease is over. */
  isArmed(uid: string): boolean {
    return this.#parts.folder.isArmed(uid);
  }

  /** Whether it was ended, since this was asked last. */
  takeEnded(uid: string): boolean {
    return this.#parts.folder.takeEnded(uid);
  }

  report(): NonNullable<NodeReport["lease"]> {
    return {
      durationMs: this.#lease.durationMs,
      isHeld: this.term !== undefined,
      servers: this.#parts.folder.armedCount,
      ...(this.#lostAtMs === undefined ? {} : { lostAtMs: this.#lostAtMs }),
    };
  }

  /** Keeps the lease for as long as the controller answers. `onChange`: it began a new term, or ran out. */
  keep(ask: AskForLease, onChange: () => void): void {
    void this.#beats(ask, onChange).catch(() => undefined); // closed
  }

  /** Without an agent the lease runs out by itself. */
  close(): void {
    this.#stop.abort();
    this.#parts.program.letGo();
  }

  async #beats(ask: AskForLease, onChange: () => void): Promise<void> {
    const { environment } = this.#parts;
    while (!this.#stop.signal.aborted) {
      const isAnswered = await this.#beat(ask);
      if (this.#look()) onChange();
      const beatMs = Math.min(slowestBeatMs, this.#lease.durationMs / beatsPerLease || firstBeatMs);
      await environment.sleep(isAnswered ? beatMs : Math.min(beatMs, askAgainMs), this.#stop.signal);
    }
  }

  async #beat(ask: AskForLease): Promise<boolean> {
    const sentAtMs = this.#parts.clockMs();
    try {
      this.#lease.renew(sentAtMs, await ask());
      return true;
    } catch (thrown) {
      this.#parts.log.debug({ reason: messageOf(thrown) }, "lease not renewed");
      return false;
    }
  }

  #look(): boolean {
    const { log, environment } = this.#parts;
    const before = this.#term;
    this.#term = this.term;
    if (this.#term === before) return false;
    if (before !== undefined) this.#lostAtMs = environment.nowMs();
    if (this.#term === undefined) log.warn({ servers: this.#parts.folder.armedCount }, "lease ran out");
    else log.info({ leaseMs: this.#lease.durationMs }, "lease granted");
    return true;
  }
}
