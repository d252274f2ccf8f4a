import { systemEnvironment, type MoveMode } from "@vfleet/shared";
import { processesOf } from "../../criu/container-tasks.ts";
import type { MigrationIdentity, Outcome } from "../ports.ts";
import type { SessionReport } from "../session-report.ts";
import type { ClientReport } from "./counting-client.ts";
import { FrameProxy, type FaultPlan, type KindSeen } from "./frame-proxy.ts";
import { heldIn } from "./held.ts";
import { hostFolders } from "./host-folders.ts";
import { containerOf } from "./host-ports.ts";
import type { HostCommand, HostReply } from "./messages.ts";
import { slowness } from "./slowness.ts";

/** A stalled stream is given up after so long. */
export const stallLimitMs = 1000;
/** More than can have been under way when the server was frozen. */
const enoughAnswers = 100;
const answerLimitMs = 30_000 * slowness;
const tellEveryMs = 100;
const ticketLifetimeMs = 30_000 * slowness;

export interface MovesOptions {
  box: string;
  hosts: readonly string[];
  mode: MoveMode;
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

export interface ProxiedMoveOptions {
  from: string;
  /** Of the box. */
  number: number;
  plan: FaultPlan;
  /** Instead of the one that its target gives. */
  ticket?: string;
  ticketLifetimeMs?: number;
  /** What either host shows to the other instead of its own: folders. */
  certificates?: { source?: string; target?: string };
}

export interface ProxiedMove {
  /** Whether there was a frame as the plan has it. */
  fired: boolean;
  from: string;
  outcome: Outcome;
  /** Phase and error code of each side at its end. */
  source: string;
  target: string;
  /** What the source says. */
  reason: string | undefined;
  /** What is said to the second one that shows the same frame. */
  saidToSecond: string | undefined;
  client: ClientReport;
  /** From the fault to the client's next answers. */
  answeredMs: number;
  /** From the source's decision to give the move up until its server ran on. */
  resumedMs: number | undefined;
  /** What each host holds, and links and programs of either. */
  held: Record<string, string[]>;
  kinds: readonly KindSeen[];
}

/** One move through a proxy that sees, and may harm, what is sent. */
export async function proxiedMove(options: MovesOptions, about: ProxiedMoveOptions): Promise<ProxiedMove> {
  const { at, box, client, hosts, mode, record } = options;
  const { from, plan, certificates } = about;
  const { fault } = plan;
  const identity = identityOf(options, about);
  const { operation, target: to } = identity;
  const expected = await expectMove(options, identity, about.ticketLifetimeMs);
  let answered: Promise<number> | undefined;
  const isOver = new AbortController();
  const proxy = new FrameProxy({
    source: { certificates: certificates?.source ?? hostFolders(box, from).certificates },
    target: { certificates: certificates?.target ?? hostFolders(box, to).certificates, port: expected.port },
    plan,
    fired: () => {
      answered = untilAnswered(() => client.report(), isOver.signal);
    },
  });
  const port = await proxy.listen();
  // A mangled length can make the receiver wait for bytes that don't come.
  const stalls = fault === "stall" || fault === "mangle" ? { progressTimeoutMs: stallLimitMs } : {};
  at(from).send({ kind: "send", identity, mode, port, ticket: about.ticket ?? expected.ticket, ...stalls });
  const sent = at(from).next("ended");
  if (fault === "stall") void tellCommitted(options, { host: from, operation, isOver: isOver.signal });
  const source = (await sent).report;
  const outcome = record.get(operation) ?? "undecided";
  const target = await endAtTarget(options, identity);
  const saidToSecond = await proxy.saidToSecond;
  proxy.close();
  if (hosts.every((host) => processesOf(containerOf(box, host)).size === 0)) isOver.abort();
  const answeredMs = (await answered) ?? 0;
  isOver.abort();
  return {
    from,
    outcome,
    answeredMs,
    saidToSecond,
    resumedMs: resumedMs(source),
    fired: proxy.hasFired,
    source: endOf(source),
    target: endOf(target),
    reason: source.error?.message,
    held: await heldIn(box, hosts),
    client: await client.report(),
    kinds: proxy.kinds,
  };
}

export function identityOf(
  { hosts }: Pick<MovesOptions, "hosts">,
  { from, number }: Pick<ProxiedMoveOptions, "from" | "number">,
): MigrationIdentity {
  const target = otherHost(hosts, from);
  return { operation: `op-${number}`, server: "default/web", source: from, target, epoch: number };
}

/** Has the target wait for a move. */
export async function expectMove(
  { at, mode }: Pick<MovesOptions, "at" | "mode">,
  identity: MigrationIdentity,
  lifetimeMs = ticketLifetimeMs,
): Promise<{ port: number; ticket: string }> {
  at(identity.target).send({ kind: "expect", identity, mode, ticketLifetimeMs: lifetimeMs });
  return at(identity.target).next("expecting");
}

/** As the controller does, who tells the outcome to whoever is left. */
export async function endAtTarget(
  { at, record }: Pick<MovesOptions, "at" | "record">,
  { operation, target }: MigrationIdentity,
): Promise<SessionReport> {
  const outcome = record.get(operation) ?? "aborted";
  if (outcome !== "undecided") at(target).send({ kind: "outcome", operation, outcome });
  return (await at(target).next("ended")).report;
}

export function otherHost(hosts: readonly string[], host: string): string {
  return hosts.find((other) => other !== host) ?? host;
}

/** As the controller does where the target's own word does not come through. */
async function tellCommitted(
  { at, record }: MovesOptions,
  { host, operation, isOver }: { host: string; operation: string; isOver: AbortSignal },
): Promise<void> {
  while (!record.has(operation) && !isOver.aborted) await systemEnvironment.sleep(tellEveryMs);
  if (record.get(operation) === "committed") at(host).send({ kind: "outcome", operation, outcome: "committed" });
}

function endOf({ phase, error }: SessionReport): string {
  return `${phase} ${error?.code ?? ""}`.trim();
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
