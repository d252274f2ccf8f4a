import { readFile, statfs } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import type { AgentConfig, Environment, NodeTelemetry, Pressure, ServerReport, Usage } from "@vfleet/shared";
import type { Engine } from "../engine/engine.ts";
import { readCgroupUsage } from "../engine/limits/cgroup-usage.ts";
import { readLinkStatistics } from "../engine/network/link-statistics.ts";
import { readCgroupPressure, readMachinePressure, readServerPressure } from "./pressure.ts";
import { ratesBetween } from "./rates.ts";
import type { Counters } from "./rates.ts";

export interface TelemetrySamplerOptions {
  config: Pick<AgentConfig, "node" | "cgroupParent" | "volumesFolder" | "underlay" | "capacity">;
  engine: Engine;
  environment: Environment;
}

const hostKey = "";
/** USER_HZ of `/proc/stat` (proc(5)), on every architecture that Linux runs on today. */
const ticksPerSecond = 100;

/** Samples what servers and host use. Rates are between one sample and the next. */
export class TelemetrySampler {
  readonly #options: TelemetrySamplerOptions;
  #before = new Map<string, Counters>();

  constructor(options: TelemetrySamplerOptions) {
    this.#options = options;
  }

  async sample(servers: readonly ServerReport[]): Promise<NodeTelemetry> {
    const { config, engine, environment } = this.#options;
    const running = servers.filter(({ phase }) => phase === "Running" || phase === "Migrating");
    const traffic = await engine.network.traffic(running.map(({ uid }) => uid));
    const after = new Map<string, Counters>();
    const usages: NodeTelemetry["servers"] = [];
    for (const { uid, namespace, name } of running) {
      const cgroupPath = join(config.cgroupParent, uid);
      const [cgroup, pressure, diskBytes] = await Promise.all([
        readCgroupUsage(cgroupPath),
        readServerPressure(cgroupPath),
        engine.volumes.volumeUsageBytes(uid).catch(() => 0),
      ]);
      if (cgroup === undefined) continue;
      const usage = this.#usage(
        uid,
        { ...cgroup, diskBytes, ...(traffic.get(uid) ?? { receivedBytes: 0, sentBytes: 0 }) },
        after,
      );
      usages.push({ uid, namespace, name, usage, pressure });
    }
    const host = await this.#host(after);
    this.#before = after;
    return {
      node: config.node,
      atMs: environment.nowMs(),
      host: { ...host, pressure: await this.#hostPressure(usages) },
      servers: usages,
    };
  }

  async #host(after: Map<string, Counters>): Promise<Usage> {
    const { config } = this.#options;
    const [links, disk] = await Promise.all([readLinkStatistics(), statfs(config.volumesFolder)]);
    const link = links.get(config.underlay.link) ?? { receivedBytes: 0, sentBytes: 0 };
    const diskBytes = (disk.blocks - disk.bfree) * disk.bsize;
    const own = this.#isWholeMachine() ? await readMachine() : await readCgroupUsage(config.cgroupParent);
    return this.#usage(
      hostKey,
      { ...(own ?? { cpuMicroseconds: 0, memoryBytes: 0, pids: 0 }), ...link, diskBytes },
      after,
    );
  }

  /** Of a part of a machine it is known where it is of every server in it. */
  async #hostPressure(servers: NodeTelemetry["servers"]): Promise<Pressure> {
    if (this.#isWholeMachine()) return readMachinePressure();
    const isCounted = servers.every(({ pressure }) => Object.keys(pressure).length > 0);
    return isCounted ? readCgroupPressure(this.#options.config.cgroupParent) : {};
  }

  /** A host that isn't the agent's alone is what its servers are in it: others' load is not theirs. */
  #isWholeMachine(): boolean {
    const { milliCpu, memoryBytes } = this.#options.config.capacity;
    return milliCpu === undefined && memoryBytes === undefined;
  }

  #usage(
    key: string,
    now: Omit<Counters, "atMs"> & { memoryBytes: number; pids: number; diskBytes: number },
    after: Map<string, Counters>,
  ): Usage {
    const counters = {
      atMs: this.#options.environment.monotonicMs(),
      cpuMicroseconds: now.cpuMicroseconds,
      receivedBytes: now.receivedBytes,
      sentBytes: now.sentBytes,
    };
    after.set(key, counters);
    return {
      ...ratesBetween(this.#before.get(key), counters),
      memoryBytes: now.memoryBytes,
      diskBytes: now.diskBytes,
      pids: now.pids,
    };
  }
}

async function readMachine(): Promise<{ cpuMicroseconds: number; memoryBytes: number; pids: number }> {
  const [stat, loadavg] = await Promise.all([readFile("/proc/stat", "utf8"), readFile("/proc/loadavg", "utf8")]);
  // user nice system idle iowait irq softirq steal
  const ticks = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? "").split(" ").map(Number);
  const busy = ticks.slice(0, 8).reduce((sum, value, index) => (index === 3 || index === 4 ? sum : sum + value), 0);
  return {
    cpuMicroseconds: (busy / ticksPerSecond) * 1_000_000,
    memoryBytes: totalmem() - freemem(),
    pids: Number(/\/(\d+) /.exec(loadavg)?.[1] ?? 0),
  };
}
