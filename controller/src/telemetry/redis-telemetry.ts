import type { Logger, NodeTelemetry, Pressure, Usage } from "@vfleet/shared";
import { messageOf, nodeTelemetrySchema } from "@vfleet/shared";
import { Redis } from "ioredis";
import type { TelemetryReader, UsageSample } from "../http/telemetry-reader.ts";

/** Older samples say nothing about now. */
const latestLifetimeSeconds = 60;
const historyLifetimeSeconds = 3600;
const historySamplesMax = 360;
/** What agents' rates and shares are averaged over. */
const windowMs = 10_000;
const prefix = "vfleet:telemetry";

/**
 * Agents' samples, in Redis: the latest of each node and a short history. Nothing that can't be measured again, so
 * nothing waits for Redis: samples that can't be written are dropped, `top` has none and rebalancing pauses.
 */
export class RedisTelemetry implements TelemetryReader {
  readonly #redis: Redis;
  #isUp = true;

  constructor(options: { url: string; log: Logger }) {
    this.#redis = new Redis(options.url, {
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      connectTimeout: 2000,
      commandTimeout: 2000,
      retryStrategy: (attempt) => Math.min(5000, attempt * 200),
    });
    this.#redis.on("error", (thrown: unknown) => {
      if (this.#isUp)
        options.log.warn({ error: messageOf(thrown) }, "redis unreachable: no telemetry until it is back");
      this.#isUp = false;
    });
    this.#redis.on("ready", () => {
      if (!this.#isUp) options.log.info("redis reachable again");
      this.#isUp = true;
    });
  }

  /** Drops the sample where Redis is away. */
  write(telemetry: NodeTelemetry): void {
    if (this.#redis.status !== "ready") return;
    const text = JSON.stringify(telemetry);
    const history = `${prefix}:history:${telemetry.node}`;
    this.#redis
      .multi()
      .set(`${prefix}:latest:${telemetry.node}`, text, "EX", latestLifetimeSeconds)
      .sadd(`${prefix}:nodes`, telemetry.node)
      .lpush(history, text)
      .ltrim(history, 0, historySamplesMax - 1)
      .expire(history, historyLifetimeSeconds)
      .exec()
      // The connection's own error event has told already.
      .catch(() => undefined);
  }

  async nodes(): Promise<ReadonlyMap<string, UsageSample>> {
    const latest = await this.latest();
    return new Map(
      latest.map((telemetry) => [telemetry.node, sampleOf(telemetry, telemetry.host, telemetry.host.pressure)]),
    );
  }

  async servers(): Promise<ReadonlyMap<string, UsageSample>> {
    const latest = await this.latest();
    // Of a server that has just moved, both hosts have a sample: the newer one counts.
    const byAge = latest.toSorted((a, b) => a.atMs - b.atMs);
    return new Map(
      byAge.flatMap((telemetry) =>
        telemetry.servers.map(
          (server) =>
            [`${server.namespace}/${server.name}`, sampleOf(telemetry, server.usage, server.pressure)] as const,
        ),
      ),
    );
  }

  /** Of every node that was heard of lately. Rejects without Redis. */
  async latest(): Promise<NodeTelemetry[]> {
    const nodes = await this.#redis.smembers(`${prefix}:nodes`);
    if (nodes.length === 0) return [];
    const texts = await this.#redis.mget(nodes.map((node) => `${prefix}:latest:${node}`));
    // What another version wrote is gone in a minute.
    return texts.flatMap((text) => nodeTelemetrySchema.safeParse(JSON.parse(text ?? "null")).data ?? []);
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }
}

function sampleOf(telemetry: NodeTelemetry, usage: Usage, pressure: Pressure): UsageSample {
  return { atMs: telemetry.atMs, windowMs, milliCpu: usage.milliCpu, memoryBytes: usage.memoryBytes, pressure };
}
