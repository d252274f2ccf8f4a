/**
 * A client that asks a server for the next number over ONE connection without pause, or over each of several: each answer
 * has to be one more than the last. Runs in the lab's client host and prints one JSON object a line: `counting`, then, when its standard
 * input ends or the time is up, `result`. It never reconnects.
 *
 *   lines      TCP: sends --request, reads a line
 *   websocket  ws://HOST:PORT/: a message each way
 *   nats       a request to itself through the server, on two connections
 */
import { connect as connectTcp } from "node:net";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { connect as connectNats } from "nats";

/** What the client saw, printed as the `result` line. */
export interface NumberCounterResult {
  event: "result";
  /** All of them. */
  connectionKept: boolean;
  answers: number;
  /** Answers that were not one more than the one before. */
  wrong: number;
  /** Longest time between two answers on one connection. */
  longestPauseMs: number;
  error?: string;
}

type Ask = () => Promise<number>;

const { values: options } = parseArgs({
  options: {
    protocol: { type: "string" },
    host: { type: "string" },
    port: { type: "string" },
    connections: { type: "string", default: "1" },
    request: { type: "string", default: "next\n" },
    "max-seconds": { type: "string", default: "170" },
  },
});
const host = options.host ?? "";
const port = Number(options.port);

/** A protocol gives a way to ask; `lost` is called when its connection ends. */
const protocols: Record<string, (lost: (reason: string) => void) => Promise<Ask>> = {
  lines: async (lost) => {
    const socket = connectTcp({ host, port, noDelay: true });
    socket.on("error", (error) => lost(error.message)).on("close", () => lost("connection closed"));
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    return async () => {
      socket.write(options.request);
      return Number((await lines.next()).value);
    };
  },
  websocket: async (lost) => {
    const socket = new WebSocket(`ws://${host}:${port}/`);
    socket.addEventListener("close", ({ code }) => lost(`closed with ${code}`));
    await new Promise<void>((resolve) => socket.addEventListener("open", () => resolve(), { once: true }));
    return () =>
      new Promise((resolve) => {
        socket.addEventListener("message", ({ data }) => resolve(Number(data)), { once: true });
        socket.send("next");
      });
  },
  nats: async (lost) => {
    const server = { servers: `${host}:${port}`, reconnect: false };
    const [asking, answering] = await Promise.all([connectNats(server), connectNats(server)]);
    for (const connection of [asking, answering])
      void connection.closed().then((error) => lost(error instanceof Error ? error.message : "connection closed"));
    let number = 0;
    answering.subscribe("next", { callback: (_error, message) => void message.respond(String(++number)) });
    await answering.flush();
    return async () => Number((await asking.request("next", undefined, { timeout: 60_000 })).string());
  },
};

async function main(): Promise<void> {
  const protocol = protocols[options.protocol ?? ""];
  if (protocol === undefined || host === "" || options.port === undefined)
    throw new Error(
      "usage: number-counter --protocol lines|websocket|nats --host ADDRESS --port PORT [--connections NUMBER] [--request TEXT]",
    );
  let failure: string | undefined;
  let lose: () => void = () => undefined;
  const isLost = new Promise<undefined>((resolve) => (lose = () => resolve(undefined)));
  const asks = await Promise.all(
    Array.from({ length: Number(options.connections) }, () =>
      protocol((reason) => {
        failure ??= reason;
        lose();
      }),
    ),
  );
  const stopping = new AbortController();
  process.stdin.on("end", () => stopping.abort()).resume();
  process.once("SIGTERM", () => stopping.abort());
  const ended = AbortSignal.any([stopping.signal, AbortSignal.timeout(Number(options["max-seconds"]) * 1000)]);

  const result: NumberCounterResult = {
    event: "result",
    connectionKept: true,
    answers: 0,
    wrong: 0,
    longestPauseMs: 0,
  };
  const first = await Promise.all(asks.map((ask) => ask()));
  say({ event: "counting" });
  await Promise.all(asks.map((ask, index) => count(ask, first[index] ?? 0, { result, isLost, ended })));
  say({ ...result, connectionKept: failure === undefined, ...(failure === undefined ? {} : { error: failure }) });
}

/** On one connection, from the number it has got, until the time is up or any of them is lost. */
async function count(
  ask: Ask,
  first: number,
  { result, isLost, ended }: { result: NumberCounterResult; isLost: Promise<undefined>; ended: AbortSignal },
): Promise<void> {
  let expected = first;
  let last = performance.now();
  while (!ended.aborted) {
    const number = await Promise.race([ask(), isLost]);
    if (number === undefined) break;
    const now = performance.now();
    result.longestPauseMs = Math.max(result.longestPauseMs, Math.round(now - last));
    last = now;
    result.answers += 1;
    if (number !== expected + 1) result.wrong += 1;
    expected = number;
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    process.stderr.write(`number-counter: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exit(1);
  },
);
