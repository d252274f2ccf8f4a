import type { ObjectStore } from "@vfleet/controller/simulation";
import { createLogger, type Logger } from "@vfleet/shared";
import { FleetChecks } from "./fleet-checks.ts";
import { Kernel } from "./kernel/kernel.ts";
import { KeyValue } from "./kernel/key-value.ts";
import { MessageBus } from "./kernel/message-bus.ts";
import { Network } from "./kernel/network.ts";
import { Process } from "./kernel/process.ts";
import { Host, wellHost } from "./model/host.ts";
import type { Mutants } from "./model/mutants.ts";
import type { Listeners } from "./model/simulated-bridge.ts";
import { startSimulatedAgent } from "./model/simulated-agent-host.ts";
import { type SimulatedController, startSimulatedController } from "./model/simulated-controller.ts";

const log: Logger = createLogger("simulation", process.env["VFLEET_LOG_LEVEL"] ?? "silent");
const superviseEveryMs = 500;
const clientEveryMs = 300;

export interface WorldOptions {
  seed: number;
  hosts: number;
  mutants: Mutants;
  /** Hosts have leases, and servers are taken over. */
  hasFailover?: boolean;
  /** Faults of more than 5 s are as frequent as short ones. */
  hasLongFaults?: boolean;
}

/** A whole fleet in one program: a controller, hosts with their agents, what is between them, and clients of the servers. */
export class FleetWorld {
  readonly kernel: Kernel;
  readonly network: Network;
  readonly buckets: { objects: KeyValue; ownership: KeyValue; controller: KeyValue };
  readonly hosts: Host[];
  readonly checks: FleetChecks;
  readonly hasFailover: boolean;
  readonly hasLongFaults: boolean;
  readonly #bus: MessageBus;
  readonly #mutants: Mutants;
  readonly #listeners: Listeners = new Map();
  readonly #agents = new Map<string, Process>();
  /** Who is down until somebody starts it, and so isn't started by who looks after it. */
  readonly #down = new Set<string>();
  readonly #servers = new Set<string>();
  #controller: SimulatedController | undefined;

  constructor({ seed, hosts, mutants, hasFailover = false, hasLongFaults = false }: WorldOptions) {
    this.#mutants = mutants;
    this.hasFailover = hasFailover;
    this.hasLongFaults = hasLongFaults;
    const kernel = new Kernel(seed);
    this.kernel = kernel;
    this.network = new Network(kernel);
    const bucket = () => new KeyValue(kernel, this.network);
    this.buckets = { objects: bucket(), ownership: bucket(), controller: bucket() };
    this.buckets.ownership.compares = !mutants.blindWrites;
    this.#bus = new MessageBus(kernel, this.network);
    this.checks = new FleetChecks(kernel, this.buckets.ownership, () => this.hosts);
    this.buckets.objects.observe(({ key, sequence }) => {
      if (!key.startsWith("core.")) kernel.note(`object ${sequence} ${key}`);
    });
    this.buckets.ownership.observe(({ key }) => this.#servers.add(key));
    this.hosts = Array.from({ length: hosts }, (_none, at) => {
      const clockOffMs = kernel.random.chance(0.3) ? kernel.random.between(-300_000, 300_000) : 0;
      return new Host(
        kernel,
        { runs: (host, uid, how) => this.checks.onRuns(host, uid, how) },
        { name: `host-${at + 1}`, clockOffMs },
      );
    });
    for (const host of this.hosts) host.powerOn();
    this.#every(superviseEveryMs, () => this.#supervise());
    this.#every(clientEveryMs, () => {
      for (const uid of this.#servers) this.checks.write(uid);
    });
    this.#supervise();
  }

  /** The API as its users have it; none while no controller answers. */
  get store(): ObjectStore | undefined {
    const controller = this.#controller;
    const isUp =
      controller?.process.isAlive === true && !controller.process.isPaused && controller.control !== undefined;
    return isUp ? controller.store : undefined;
  }

  get controllerProcess(): Process | undefined {
    return this.#controller?.process;
  }

  agentOf(host: Host): Process | undefined {
    return this.#agents.get(host.name);
  }

  killController(downMs: number): void {
    this.#controller?.process.kill();
    this.#downFor("controller", downMs);
  }

  killAgent(host: Host, downMs: number): void {
    this.agentOf(host)?.kill();
    this.#downFor(host.name, downMs);
  }

  cutPower(host: Host, downMs: number): void {
    this.agentOf(host)?.kill();
    host.powerOff();
    this.#downFor(host.name, downMs);
  }

  /** An agent that couldn't write has left things where they are; the next one finds them. */
  repair(host: Host): void {
    if (host.faults.failing > 0) this.killAgent(host, 1);
    host.faults = wellHost;
  }

  /** Everything works again, whoever was down is started. */
  heal(): void {
    this.network.heal();
    this.#down.clear();
    for (const bucket of Object.values(this.buckets)) bucket.faults = { requestLost: 0, answerLost: 0, isDown: false };
    for (const host of this.hosts) {
      this.repair(host);
      this.agentOf(host)?.resume();
    }
    this.#controller?.process.resume();
  }

  #downFor(name: string, ms: number): void {
    this.#down.add(name);
    this.kernel.after(ms, () => this.#down.delete(name));
  }

  /** As a service manager does. */
  #supervise(): void {
    if (this.#controller?.process.isAlive !== true && !this.#down.has("controller")) {
      const process = new Process(this.kernel, "controller");
      this.#controller = startSimulatedController(process, { buckets: this.buckets, bus: this.#bus, log });
    }
    for (const host of this.hosts) {
      if (this.agentOf(host)?.isAlive === true || this.#down.has(host.name)) continue;
      if (!host.isOn) host.powerOn();
      this.#startAgent(host);
    }
  }

  #startAgent(host: Host): void {
    if (this.#mutants.forgetsRecords) host.files.clear();
    const agent = new Process(this.kernel, `agent of ${host.name}`, host.clockOffMs);
    this.#agents.set(host.name, agent);
    const { network } = this;
    void startSimulatedAgent({ host, agent }, this.#bus.client(agent, host.name), {
      network,
      listeners: this.#listeners,
      log,
      mutants: this.#mutants,
      hasFailover: this.hasFailover,
    });
  }

  #every(ms: number, work: () => void): void {
    const tick = () => {
      work();
      this.kernel.after(ms, tick);
    };
    this.kernel.after(ms, tick);
  }
}
