import type { SessionRecord } from "@vfleet/criu-bridge/simulation";
import type { Kernel } from "../kernel/kernel.ts";
import { Process } from "../kernel/process.ts";
import { Gates } from "./gates.ts";
import { Fences, startFence } from "./simulated-fencing.ts";

/** What is of a server in memory on one host. */
export interface Container {
  /** `held`: restored, or stopped by CRIU; none of its tasks can run an instruction. */
  state: "created" | "running" | "held" | "exited";
  /** What the guest counted; in its memory. */
  counter: number;
}

export interface HostFaults {
  /** Times slower than usual. */
  slowness: number;
  /** Share of what is asked of the host that fails. */
  failing: number;
}

export interface HostEvents {
  /** A copy of the server can run from now on. */
  runs(host: Host, uid: string, how: "started" | "restored" | "thawed"): void;
}

export const wellHost: HostFaults = { slowness: 1, failing: 0 };

/** A machine: what is in its memory goes with its power, what is on its disk stays. */
export class Host {
  readonly name: string;
  readonly clockOffMs: number;
  faults: HostFaults = wellHost;
  /** On the disk. */
  readonly files = new Map<string, string>();
  readonly volumes = new Map<string, number>();
  readonly snapshots = new Map<string, number>();
  readonly images = new Set<string>();
  /** Of moves; on the disk, but never synced. */
  readonly sessions = new Map<string, SessionRecord>();
  /** In memory, all below. */
  readonly containers = new Map<string, Container>();
  readonly ports = new Map<string, { isAttached: boolean }>();
  /** What was dumped, or received to be restored: by operation and side. */
  readonly dumps = new Map<string, { counter: number }>();
  readonly fillings = new Map<string, "running" | "filled" | "failed">();
  /** Fillings that need nobody: all the memory is here. */
  readonly localFillings = new Set<string>();
  readonly fences = new Fences();
  /** CRIU's programs under way, by operation and side. */
  readonly programs = new Set<string>();
  machine: Process;
  gates: Gates;
  boot = 0;
  isOn = false;
  /** Something that was asked of it has failed. */
  hasFailed = false;
  readonly #kernel: Kernel;
  readonly #events: HostEvents;
  readonly #exitWatchers = new Set<(uid: string) => void>();

  constructor(kernel: Kernel, events: HostEvents, { name, clockOffMs }: { name: string; clockOffMs: number }) {
    this.#kernel = kernel;
    this.#events = events;
    this.name = name;
    this.clockOffMs = clockOffMs;
    this.machine = new Process(kernel, name, clockOffMs);
    this.gates = new Gates(this.machine);
  }

  powerOn(): void {
    this.machine = new Process(this.#kernel, this.name, this.clockOffMs);
    this.gates = new Gates(this.machine);
    this.boot += 1;
    this.isOn = true;
    startFence(this);
  }

  powerOff(): void {
    this.isOn = false;
    this.machine.kill();
    for (const memory of [this.containers, this.ports, this.dumps, this.fillings, this.localFillings, this.programs])
      memory.clear();
    this.fences.clear();
    this.#exitWatchers.clear();
    // Some of it may have reached the disk.
    for (const operation of this.sessions.keys()) if (this.#kernel.random.chance(0.7)) this.sessions.delete(operation);
  }

  /** Something that `agent` asks of the host: done in between, or not if the agent dies before. */
  async work<T>(agent: Process, ms: number, effect: () => T): Promise<T> {
    const { random } = this.#kernel;
    const tookMs = ms * this.faults.slowness * random.between(0.5, 2);
    const isFailing = random.chance(this.faults.failing);
    await agent.answer(tookMs / 2, () => undefined);
    if (isFailing) {
      this.hasFailed = true;
      throw new Error("Input/output error");
    }
    const result = effect();
    await agent.answer(tookMs / 2, () => undefined);
    return result;
  }

  /** Of a program of the host's own, which outlives the agent. */
  async pause(ms: number): Promise<void> {
    const { machine } = this;
    await machine.answer(ms * this.faults.slowness * this.#kernel.random.between(0.5, 2), () => undefined);
  }

  let(uid: string, container: Container, how: "started" | "restored" | "thawed"): void {
    container.state = "running";
    this.#events.runs(this, uid, how);
  }

  /** All tasks of it, at once. */
  kill(uid: string): void {
    const container = this.containers.get(uid);
    if (container === undefined || container.state === "exited") return;
    container.state = "exited";
    this.machine.after(1, () => {
      for (const tell of this.#exitWatchers) tell(uid);
    });
  }

  watchExits(agent: Process, tell: (uid: string) => void): () => void {
    const watch = (uid: string) => agent.after(0, () => tell(uid));
    this.#exitWatchers.add(watch);
    return () => this.#exitWatchers.delete(watch);
  }

  /** Whether its clients reach a copy of it here. */
  serves(uid: string): boolean {
    return this.isOn && this.containers.get(uid)?.state === "running" && this.ports.get(uid)?.isAttached === true;
  }
}
