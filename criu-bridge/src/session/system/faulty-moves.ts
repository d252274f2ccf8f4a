import { existsSync, readdirSync } from "node:fs";
import { systemEnvironment, type MoveMode } from "@vfleet/shared";
import { processesOf } from "../../criu/container-tasks.ts";
import type { Outcome } from "../ports.ts";
import type { ClientReport } from "./counting-client.ts";
import { FrameProxy, type Direction, type Fault, type FaultPlan } from "./frame-proxy.ts";
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

export interface FaultyMove extends Omit<FaultPlan, "seed"> {
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
  /** What each host holds, and links and programs of either. */
  held: Record<string, string[]>;
}

export interface FaultyMovesOptions {
  box: string;
  hosts: readonly string[];
  mode: MoveMode;
  fault: Fault;
  /** Every so many frames. */
  stride: number;
  at: (host: string) => {
    send(command: HostCommand): void;
    next<K extends HostReply["kind"]>(kind: K): Promise<HostReply & { kind: K }>;
  };
  client: () => Promise<ClientReport>;
  record: ReadonlyMap<string, Outcome>;
}

/** Moves the server again and again, each time with another frame harmed, until there is no further frame. */
export async function faultyMoves(options: FaultyMovesOptions): Promise<FaultyMove[]> {
  const moves: FaultyMove[] = [];
  let from = "a";
  for (const direction of ["to-target", "to-source"] as const) {
    for (let frame = 0; ; frame += options.stride) {
      const move = await faultyMove(options, { from, direction, frame, number: moves.length });
      moves.push(move);
      if (move.outcome === "committed") from = otherHost(options, from);
      if (!move.fired) break;
    }
  }
  return moves;
}

async function faultyMove(
  options: FaultyMovesOptions,
  about: { from: string; direction: Direction; frame: number; number: number },
): Promise<FaultyMove> {
  const { at, box, client, fault, mode, record } = options;
  const { from, direction, frame, number } = about;
  const to = otherHost(options, from);
  const operation = `op-${number}`;
  const identity = { operation, server: "default/web", source: from, target: to, epoch: number };
  at(to).send({ kind: "expect", identity, mode });
  const { port, ticket } = await at(to).next("expecting");
  let answered: Promise<number> | undefined;
  const proxy = new FrameProxy({
    source: { certificates: hostFolders(box, from).certificates },
    target: { certificates: hostFolders(box, to).certificates, port },
    // A prime, so that every bit has its turn.
    plan: { fault, direction, frame, seed: number * 37 },
    fired: () => {
      answered = untilAnswered(client);
    },
  });
  const near = await proxy.listen();
  // A mangled length can make the receiver wait for bytes that don't come.
  const stalls = fault === "stall" || fault === "mangle" ? { progressTimeoutMs: stallLimitMs } : {};
  at(from).send({ kind: "send", identity, mode, port: near, ticket, ...stalls });
  const source = (await at(from).next("ended")).report;
  // As the controller does, who hears that the source has given up.
  const outcome = record.get(operation) ?? "undecided";
  if (outcome !== "undecided") at(to).send({ kind: "outcome", operation, outcome });
  const target = (await at(to).next("ended")).report;
  proxy.close();
  const answeredMs = (await answered) ?? 0;
  await untilTornDown();
  return {
    fault,
    direction,
    frame,
    from,
    outcome,
    answeredMs,
    fired: proxy.hasFired,
    source: `${source.phase} ${source.error?.code ?? ""}`.trim(),
    target: `${target.phase} ${target.error?.code ?? ""}`.trim(),
    reason: source.error?.message,
    client: await client(),
    held: Object.fromEntries([...options.hosts.map((host) => [host, heldBy(box, host)]), ["machine", heldByMachine()]]),
  };
}

async function untilAnswered(client: () => Promise<ClientReport>): Promise<number> {
  const startMs = systemEnvironment.monotonicMs();
  const { answers } = await client();
  for (;;) {
    const seen = await client();
    const sinceMs = systemEnvironment.monotonicMs() - startMs;
    if (seen.answers >= answers + enoughAnswers || seen.error !== undefined || sinceMs > answerLimitMs) return sinceMs;
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

/** The kernel takes away a network namespace a moment after its last task. */
async function untilTornDown(): Promise<void> {
  const startMs = systemEnvironment.monotonicMs();
  while (heldByMachine().some((name) => name.endsWith("apart"))) {
    if (systemEnvironment.monotonicMs() - startMs > tearDownLimitMs) return;
    await systemEnvironment.sleep(10);
  }
}

function heldByMachine(): string[] {
  const links = runSync("ip", "-o", "link", "show", "type", "veth").trim().split("\n").filter(Boolean);
  const programs = runSync("sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null || true")
    .split("\n")
    .filter((name) => name === "criu" || name.startsWith("runc") || name === "btrfs");
  return [
    ...links.map(
      (line) => `${/ (ve-[ab])/.exec(line)?.[1] ?? "link"} ${line.includes("master br0") ? "joined" : "apart"}`,
    ),
    ...programs,
  ];
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function otherHost({ hosts }: FaultyMovesOptions, host: string): string {
  return hosts.find((other) => other !== host) ?? host;
}
