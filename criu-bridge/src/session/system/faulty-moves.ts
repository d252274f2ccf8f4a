import { existsSync, readdirSync } from "node:fs";
import { systemEnvironment, type MoveMode } from "@vfleet/shared";
import { processesOf } from "../../criu/container-tasks.ts";
import type { Outcome } from "../ports.ts";
import type { ClientReport } from "./counting-client.ts";
import type { SessionReport } from "../session-report.ts";
import { FrameProxy, type Fault, type FramePlace, type KindSeen } from "./frame-proxy.ts";
import { hostFolders } from "./host-folders.ts";
import { containerOf } from "./host-ports.ts";
import type { HostCommand, HostReply } from "./messages.ts";
import { runSync } from "./run.ts";

/** A stalled stream is given up after so long. */
export const stallLimitMs = 1000;
/** More than can have been under way when the server was frozen. */
const enoughAnswers = 100;
const answerLimitMs = 30_000;
const tearDownLimitMs = 5_000;
const tellEveryMs = 100;

export interface FaultyMove {
  /** None: a move that goes through, before the others. */
  place: FramePlace | undefined;
  /** Whether there was such a frame; none: the move went through unharmed. */
  fired: boolean;
  from: string;
  outcome: Outcome;
  /** Phase and error code of each side at its end. */
  source: string;
  target: string;
  /** What the source says. */
  reason: string | undefined;
  client: ClientReport;
  /** From the fault to the client's next answers. */
  answeredMs: number;
  /** From the source's decision to give the move up until its server ran on. */
  resumedMs: number | undefined;
  /** What each host holds, and links and programs of either. */
  held: Record<string, string[]>;
}

export interface FaultyMovesOptions {
  box: string;
  hosts: readonly string[];
  mode: MoveMode;
  fault: Fault;
  /** Of each kind of frame so many are harmed, one after the other: the first, the last and some in between. */
  perKind: number;
  at: (host: string) => {
    send(command: HostCommand): void;
    next<K extends HostReply["kind"]>(kind: K): Promise<HostReply & { kind: K }>;
  };
  client: {
    report(): Promise<ClientReport>;
    /** Another one, once the server answers: the last one's server was lost. */
    renew(): Promise<void>;
  };
  record: ReadonlyMap<string, Outcome>;
}

/** Moves the server again and again: once unharmed, to see what frames there are, then each time with another one of them harmed. */
export async function faultyMoves(options: FaultyMovesOptions): Promise<FaultyMove[]> {
  const moves: FaultyMove[] = [];
  let from = "a";
  const add = async (place: FramePlace | undefined): Promise<readonly KindSeen[]> => {
    const { move, kinds } = await faultyMove(options, { from, place, number: moves.length });
    moves.push(move);
    if (move.outcome === "committed") from = otherHost(options, from);
    if (!isRunning(move)) await startAgain(options, from);
    return kinds;
  };
  const kinds = await add(undefined);
  for (const { direction, kind, frames } of kinds)
    for (const nth of spread(frames, options.perKind)) await add({ direction, kind, nth });
  return moves;
}

/** Up to `limit` of the first `count` numbers, the first and the last among them. */
function spread(count: number, limit: number): number[] {
  if (count <= limit) return Array.from({ length: count }, (_, index) => index);
  if (limit === 1) return [0];
  return Array.from({ length: limit }, (_, index) => Math.round((index * (count - 1)) / (limit - 1)));
}

function isRunning({ held }: FaultyMove): boolean {
  return Object.values(held).some((things) => things.includes("tasks"));
}

/** As an agent does by a server's restart policy. */
async function startAgain({ at, client }: FaultyMovesOptions, host: string): Promise<void> {
  at(host).send({ kind: "start-server" });
  await at(host).next("ready");
  await client.renew();
}

async function faultyMove(
  options: FaultyMovesOptions,
  about: { from: string; place: FramePlace | undefined; number: number },
): Promise<{ move: FaultyMove; kinds: readonly KindSeen[] }> {
  const { at, box, client, fault, mode, record } = options;
  const { from, place, number } = about;
  const to = otherHost(options, from);
  const operation = `op-${number}`;
  const identity = { operation, server: "default/web", source: from, target: to, epoch: number };
  at(to).send({ kind: "expect", identity, mode });
  const { port, ticket } = await at(to).next("expecting");
  let answered: Promise<number> | undefined;
  const isOver = new AbortController();
  const proxy = new FrameProxy({
    source: { certificates: hostFolders(box, from).certificates },
    target: { certificates: hostFolders(box, to).certificates, port },
    // A prime, so that every bit has its turn.
    plan: { fault, place, seed: number * 37 },
    fired: () => {
      answered = untilAnswered(() => client.report(), isOver.signal);
    },
  });
  const near = await proxy.listen();
  // A mangled length can make the receiver wait for bytes that don't come.
  const stalls = fault === "stall" || fault === "mangle" ? { progressTimeoutMs: stallLimitMs } : {};
  at(from).send({ kind: "send", identity, mode, port: near, ticket, ...stalls });
  const sent = at(from).next("ended");
  // As the controller does.
  if (fault === "stall") void tellCommitted(options, { host: from, operation, isOver: isOver.signal });
  const source = (await sent).report;
  const outcome = record.get(operation) ?? "undecided";
  if (outcome !== "undecided") at(to).send({ kind: "outcome", operation, outcome });
  const target = (await at(to).next("ended")).report;
  proxy.close();
  if (options.hosts.every((host) => processesOf(containerOf(box, host)).size === 0)) isOver.abort();
  const answeredMs = (await answered) ?? 0;
  isOver.abort();
  await untilTornDown();
  const move = {
    place,
    from,
    outcome,
    answeredMs,
    resumedMs: resumedMs(source),
    fired: proxy.hasFired,
    source: `${source.phase} ${source.error?.code ?? ""}`.trim(),
    target: `${target.phase} ${target.error?.code ?? ""}`.trim(),
    reason: source.error?.message,
    client: await client.report(),
    held: Object.fromEntries([...options.hosts.map((host) => [host, heldBy(box, host)]), ["machine", heldByMachine()]]),
  };
  return { move, kinds: proxy.kinds };
}

async function tellCommitted(
  { at, record }: FaultyMovesOptions,
  { host, operation, isOver }: { host: string; operation: string; isOver: AbortSignal },
): Promise<void> {
  while (!record.has(operation) && !isOver.aborted) await systemEnvironment.sleep(tellEveryMs);
  if (record.get(operation) === "committed") at(host).send({ kind: "outcome", operation, outcome: "committed" });
}

function resumedMs({ timeline }: SessionReport): number | undefined {
  const at = (step: string) => timeline.find((entry) => entry.step === step)?.atMs;
  const [aborted, resumed] = [at("aborted"), at("resumed")];
  return aborted === undefined || resumed === undefined ? undefined : resumed - aborted;
}

/** Or until nobody is left to answer. */
async function untilAnswered(report: () => Promise<ClientReport>, isOver: AbortSignal): Promise<number> {
  const startMs = systemEnvironment.monotonicMs();
  const { answers } = await report();
  for (;;) {
    const seen = await report();
    const sinceMs = systemEnvironment.monotonicMs() - startMs;
    const isEnd = seen.error !== undefined || isOver.aborted || sinceMs > answerLimitMs;
    if (isEnd || seen.answers >= answers + enoughAnswers) return sinceMs;
    await systemEnvironment.sleep(5);
  }
}

function heldBy(box: string, host: string): string[] {
  const folders = hostFolders(box, host);
  const subvolumes = runSync("btrfs", "subvolume", "list", folders.volumes).trim().split("\n").filter(Boolean);
  return [
    ...namesIn(folders.runtimeRoot).map((name) => `container ${name}`),
    ...(processesOf(containerOf(box, host)).size > 0 ? ["tasks"] : []),
    ...subvolumes.map((line) => `volume ${line.split(" path ")[1] ?? ""}`),
    ...namesIn(`${folders.run}/migrations`).map((name) => `operation ${name}`),
  ];
}

/** The kernel takes away a network namespace a moment after its last task, and what fills memory ends by itself. */
async function untilTornDown(): Promise<void> {
  const startMs = systemEnvironment.monotonicMs();
  while (heldByMachine().some((name) => !name.endsWith("joined"))) {
    if (systemEnvironment.monotonicMs() - startMs > tearDownLimitMs) return;
    await systemEnvironment.sleep(10);
  }
}

function heldByMachine(): string[] {
  const links = runSync("ip", "-o", "link", "show", "type", "veth").trim().split("\n").filter(Boolean);
  const joined = runSync("bridge", "link", "show")
    .split("\n")
    .filter((line) => line.includes("state forwarding"));
  return [
    ...links.map((line) => {
      const name = /ve-[ab]/.exec(line)?.[0] ?? "link";
      return `${name} ${joined.some((port) => port.includes(name)) ? "joined" : "apart"}`;
    }),
    ...programsOfMoves(),
  ];
}

/** Those that dump, restore and send, and all that work in an operation's folder. */
function programsOfMoves(): string[] {
  return runSync("ps", "-eo", "args=")
    .split("\n")
    .filter((line) => /^(\S*\/)?(criu|runc|btrfs) |\/migrations\//.test(line));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function otherHost({ hosts }: FaultyMovesOptions, host: string): string {
  return hosts.find((other) => other !== host) ?? host;
}
