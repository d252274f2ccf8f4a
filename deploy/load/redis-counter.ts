/**
 * A client that counts in a redis over ONE TCP connection without pause, and says what it noticed.
 * Runs in the lab's client host. Prints one JSON object a line: `connected`, `filled`, `counting`, then, when its
 * standard input ends or the time is up, `result`. It never reconnects: a reset is a result, not a detail.
 */
import { randomFillSync } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as rest } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";

/** What the client saw, printed as the `result` line. */
export interface CounterResult {
  event: "result";
  connectionKept: boolean;
  /** INCRs answered. */
  acknowledged: number;
  /** The counter's own value afterwards, read over the same connection, or over a new one if that was lost. */
  counter: number;
  /** Acknowledged increments that the server no longer knows of. */
  writesLost: number;
  /** Longest time between two answers. */
  longestPauseMs: number;
  /** 99 of 100 requests after that pause took no longer; of a server that is being filled, what its users feel. */
  p99AfterPauseMs: number;
  /** Resident memory as redis says it. */
  residentBytes: number;
  error?: string;
}

const { values: options } = parseArgs({
  options: {
    host: { type: "string" },
    port: { type: "string", default: "6379" },
    key: { type: "string", default: "counter" },
    "fill-mib": { type: "string", default: "0" },
    fill: { type: "string", default: "random" },
    touch: { type: "boolean", default: false },
    "write-mib": { type: "string", default: "0" },
    "every-ms": { type: "string", default: "0" },
    "max-seconds": { type: "string", default: "600" },
  },
});
if (options.host === undefined) {
  process.stderr.write(
    "usage: redis-counter --host ADDRESS [--port 6379] [--fill-mib N] [--fill random|text] [--touch] [--write-mib N]\n" +
      "                     [--every-ms N] [--max-seconds N]\n" +
      "  --touch: reads a byte of a random filled value after each increment\n" +
      "  --write-mib: writes random filled values anew, so many MiB a second\n" +
      "  --every-ms: rests so long after each increment; many clients then leave the processors to what they measure\n",
  );
  process.exit(2);
}

const valueBytes = 65_536;
/** Enough for minutes; bounds the memory of a client that is left alone. */
const samplesMax = 1_000_000;
const connection = { host: options.host, port: Number(options.port), enableReadyCheck: false, connectTimeout: 10_000 };
const redis = new Redis({ ...connection, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
let failure: string | undefined;
redis.on("error", (error: Error) => (failure ??= error.message));
redis.on("close", () => (failure ??= "connection closed"));

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function valueOf(kind: string): Buffer {
  const value = Buffer.alloc(valueBytes);
  if (kind === "random") return randomFillSync(value);
  // What caches hold: text-like, about four to one under a fast compressor.
  let text = "";
  while (text.length < valueBytes)
    text += `{"id":${Math.floor(Math.random() * 1e9)},"name":"user","active":true,"city":"Ulm"},`;
  return Buffer.from(text.slice(0, valueBytes));
}

async function fill(mebibytes: number): Promise<void> {
  const values = (mebibytes * 1_048_576) / valueBytes;
  for (let start = 0; start < values; start += 64) {
    const pipeline = redis.pipeline();
    for (let index = start; index < Math.min(start + 64, values); index++)
      pipeline.set(`fill:${index}`, valueOf(options.fill));
    await pipeline.exec();
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

async function residentBytes(client: Redis): Promise<number> {
  const text = await client.info("memory");
  return Number(/used_memory_rss:(\d+)/.exec(text)?.[1] ?? 0);
}

async function main(): Promise<void> {
  await redis.connect();
  say({ event: "connected" });
  const before = Number((await redis.get(options.key)) ?? 0);
  await fill(Number(options["fill-mib"]));
  say({ event: "filled", residentBytes: await residentBytes(redis) });

  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.stdin.on("end", stop).on("close", stop).resume();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  const ended = AbortSignal.any([stopping.signal, AbortSignal.timeout(Number(options["max-seconds"]) * 1000)]);

  let acknowledged = 0;
  let longestPauseMs = 0;
  let last = performance.now();
  const afterPauseMs: number[] = [];
  const answered = () => {
    const now = performance.now();
    if (now - last > longestPauseMs) {
      longestPauseMs = now - last;
      afterPauseMs.length = 0;
    } else if (afterPauseMs.length < samplesMax) afterPauseMs.push(now - last);
    last = now;
  };
  const values = Math.floor((Number(options["fill-mib"]) * 1_048_576) / valueBytes);
  const bytesPerMs = (Number(options["write-mib"]) * 1_048_576) / 1000;
  const everyMs = Number(options["every-ms"]);
  const startMs = performance.now();
  let writtenBytes = 0;
  say({ event: "counting" });
  while (!ended.aborted && failure === undefined) {
    try {
      await redis.incr(options.key);
      acknowledged += 1;
      answered();
      if (everyMs > 0) await rest(everyMs);
      if (values > 0 && writtenBytes < bytesPerMs * (performance.now() - startMs)) {
        await redis.set(`fill:${Math.floor(Math.random() * values)}`, valueOf(options.fill));
        writtenBytes += valueBytes;
        answered();
      }
      if (!options.touch || values === 0) continue;
      const at = Math.floor(Math.random() * valueBytes);
      await redis.getrange(`fill:${Math.floor(Math.random() * values)}`, at, at);
      answered();
    } catch (thrown) {
      failure ??= thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  const connectionKept = failure === undefined;
  const reader = connectionKept ? redis : new Redis(connection);
  const counter = Number((await reader.get(options.key)) ?? 0);
  const result: CounterResult = {
    event: "result",
    connectionKept,
    acknowledged,
    counter,
    writesLost: Math.max(0, before + acknowledged - counter),
    longestPauseMs: tenths(longestPauseMs),
    p99AfterPauseMs: tenths(afterPauseMs.toSorted((a, b) => a - b)[Math.floor(afterPauseMs.length * 0.99)] ?? 0),
    residentBytes: await residentBytes(reader),
    ...(failure === undefined ? {} : { error: failure }),
  };
  reader.disconnect();
  say(result);
}

main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    process.stderr.write(`redis-counter: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exit(1);
  },
);
