import type { Environment, Logger, NodeTelemetry, Pressure, Usage } from "@vfleet/shared";
import { messageOf, nodeTelemetrySchema } from "@vfleet/shared";
import { Redis } from "ioredis";
import { z } from "zod";
import type { TelemetryReader, UsageSample } from "../http/telemetry-reader.ts";

/** Older samples say nothing about now. */
const latestLifetimeSeconds = 60;
const historyLifetimeSeconds = 3600;
const historySamplesMax = 360;
/** What agents' rates and shares are averaged over. */
const windowMs = 10_000;
/** Samples that come so close to each other are written together. */
const togetherMs = 50;
const prefix = "vfleet:telemetry";

/** By the controller's clock: agents' own may be minutes apart. */
const heardSchema = z.object({ heardAtMs: z.number(), telemetry: nodeTelemetrySchema });
type Heard = z.infer<typeof heardSchema>;

/**
 * Agents' samples, in Redis: the latest of each node and a short history. Nothing that can't be measured again, so
 * nothing waits for Redis: samples that can't be written are dropped, `top` has none and rebalancing pauses.
 */
export class RedisTelemetry implements TelemetryReader {
  readonly #redis: Redis;
  readonly #environment: Pick<Environment, "nowMs" | "sleep">;
  /** By node. */
  readonly #waiting = new Map<string, string>();
  #isUp = true;

  constructor(options: { url: string; log: Logger; environment: Pick<Environment, "nowMs" | "sleep"> }) {
    this.#environment = options.environment;
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
    this.#waiting.set(telemetry.node, JSON.stringify({ heardAtMs: this.#environment.nowMs(), telemetry }));
    if (this.#waiting.size > 1) return;
    void this.#environment.sleep(togetherMs).then(() => this.#writeWaiting());
  }

  /** Those of many nodes in one go: each by itself costs as much as all of them. */
  #writeWaiting(): void {
    const samples = [...this.#waiting];
    this.#waiting.clear();
    const pipeline = this.#redis.pipeline();
    pipeline.sadd(
      `${prefix}:nodes`,
      samples.map(([node]) => node),
    );
    for (const [node, text] of samples) {
      const history = `${prefix}:history:${node}`;
      pipeline
        .set(`${prefix}:latest:${node}`, text, "EX", latestLifetimeSeconds)
        .lpush(history, text)
        .ltrim(history, 0, historySamplesMax - 1)
        .expire(history, historyLifetimeSeconds);
    }
    // The connection's own error event has told already.
    pipeline.exec().catch(() => undefined);
  }

  async nodes(): Promise<ReadonlyMap<string, UsageSample>> {
    const latest = await this.#heard();
    return new Map(
      latest.map(({ heardAtMs, telemetry: { node, host } }) => [node, sampleOf(heardAtMs, host, host.pressure)]),
    );
  }

  async servers(): Promise<ReadonlyMap<string, UsageSample>> {
    const latest = await this.#heard();
    // Of a server that has just moved, both hosts have a sample: the one heard last counts, whatever the hosts' clocks say.
    const byAge = latest.toSorted((a, b) => a.heardAtMs - b.heardAtMs);
    return new Map(
      byAge.flatMap(({ heardAtMs, telemetry }) =>
        telemetry.servers.map(
          (server) =>
            [`${server.namespace}/${server.name}`, sampleOf(heardAtMs, server.usage, server.pressure)] as const,
        ),
      ),
    );
  }

  /** Of every node that was heard of lately. Rejects without Redis. */
  async latest(): Promise<NodeTelemetry[]> {
    return (await this.#heard()).map(({ telemetry }) => telemetry);
  }

  async #heard(): Promise<Heard[]> {
    const nodes = await this.#redis.smembers(`${prefix}:nodes`);
    if (nodes.length === 0) return [];
    const texts = await this.#redis.mget(nodes.map((node) => `${prefix}:latest:${node}`));
    // What another version wrote is gone in a minute.
    return texts.flatMap((text) => heardSchema.safeParse(JSON.parse(text ?? "null")).data ?? []);
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }
}

function sampleOf(atMs: number, usage: Usage, pressure: Pressure): UsageSample {
  return { atMs, windowMs, milliCpu: usage.milliCpu, memoryBytes: usage.memoryBytes, pressure };
}
