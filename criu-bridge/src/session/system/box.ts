/**
 * Two hosts and a client in namespaces of their own: `box.ts FOLDER SCENARIO MEGABYTES MODE PER-KIND [KIND...]`, as the first process of a new PID, network and
 * mount namespace. Prints one JSON object with what was seen.
 */
import { fork, type ChildProcess } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { moveModeSchema, systemEnvironment } from "@vfleet/shared";
import { z } from "zod";
import { processesOf } from "../../criu/container-tasks.ts";
import { argumentsOf } from "../../criu/process-table.ts";
import type { Outcome } from "../ports.ts";
import type { SessionReport } from "../session-report.ts";
import { faultyMoves, type FaultyMove } from "./faulty-moves.ts";
import { digestOfValues, fillWithValues } from "./values.ts";
import { BoxClient } from "./box-client.ts";
import type { ClientReport } from "./counting-client.ts";
import type { Fault } from "./frame-proxy.ts";
import { hostFolders } from "./host-folders.ts";
import { limitOfCgroup, makeLimitedCgroup } from "./own-cgroup.ts";
import { armDeath, containerOf, momentsOfDeath } from "./host-ports.ts";
import type { HostCommand, HostReply, RecordQuestion } from "./messages.ts";
import { prepareBox, untilServing } from "./prepare-box.ts";
import { refusedMoves, type RefusedMoves } from "./refused-moves.ts";
import { runSync } from "./run.ts";
import { slowness } from "./slowness.ts";

const momentSchema = z.enum(momentsOfDeath);
const [box = "", scenario = "", megabytes = "0", modeName = "StopAndCopy", perKind = "1", ...kinds] =
  process.argv.slice(2);
const mode = moveModeSchema.parse(modeName);
const hosts = ["a", "b"];
const waitLimitMs = 60_000 * slowness;

/** After the commit the tasks run, and their memory is being filled; both take longer. */
const untilFillingMs = 150;

const endLimitMs = 5_000;

/** Plays the controller's ownership record. */
const record = new Map<string, Outcome>();
const committed = Promise.withResolvers<void>();
function decide(question: RecordQuestion): Outcome {
  const decided = record.get(question.operation);
  if (decided !== undefined || question.ask === "outcome") return decided ?? "undecided";
  const outcome = question.ask === "commit" ? "committed" : "aborted";
  record.set(question.operation, outcome);
  if (outcome === "committed") committed.resolve();
  return outcome;
}

class HostProcess {
  readonly #process: ChildProcess;
  readonly #replies: HostReply[] = [];
  #wake: () => void = () => {};

  constructor(host: string) {
    this.#process = fork(fileURLToPath(new URL("host-process.ts", import.meta.url)), [box, host], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.ended = new Promise((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.on("message", (message: HostReply | RecordQuestion) => {
      if (message.kind === "question") this.#process.send({ kind: "answer", id: message.id, outcome: decide(message) });
      else {
        this.#replies.push(message);
        this.#wake();
      }
    });
  }

  send(command: HostCommand): void {
    this.#process.send(command);
  }

  async next<K extends HostReply["kind"]>(kind: K): Promise<HostReply & { kind: K }> {
    const deadline = AbortSignal.timeout(waitLimitMs);
    while (this.#replies.length === 0) {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        deadline.addEventListener("abort", () => reject(new Error(`no ${kind} from the host in time`)));
      });
    }
    const reply = this.#replies.shift();
    if (reply?.kind !== kind) throw new Error(`${kind} was expected, found ${JSON.stringify(reply)}`);
    // Its kind was compared.
    return reply as HostReply & { kind: K };
  }

  /** Resolves when it is dead. */
  readonly ended: Promise<void>;

  end(signal: NodeJS.Signals = "SIGINT"): void {
    this.#process.kill(signal);
  }
}

export interface Move {
  from: string;
  to: string;
  source: SessionReport;
  target: SessionReport;
  client: ClientReport;
  /** Whether every value is what it was; undefined where nobody is there to be asked. */
  intact: boolean | undefined;
  /** Processes of the server on each host. */
  tasks: Record<string, number>;
}

export interface Deaths {
  /** Of the host whose agent lives. */
  survivor?: SessionReport;
  /** Processes of the server on each host, while the other agent is dead and after it was started again. */
  before: Record<string, number>;
  after: Record<string, number>;
  outcome: "committed" | "aborted";
  /** Its code. */
  loss: string | undefined;
  /** As of a move, where anybody is there to be asked. */
  intact?: boolean;
  /** Of the cgroup that the server has made, at the target. */
  cgroupLimit?: string;
}

/** CRIU's daemons, not who waits for them. */
function killFillers(): void {
  for (const pid of readdirSync("/proc").map(Number).filter(Boolean)) {
    const [program, ...rest] = argumentsOf(pid);
    if (program !== "/bin/sh" && rest.some((argument) => argument.endsWith("/fill-memory.ts")))
      process.kill(pid, "SIGKILL");
  }
}

function faultOf(name: string): Fault | undefined {
  return (["cut", "stall", "flip", "mangle"] as const).find((fault) => name === `stream-${fault}`);
}

async function main(): Promise<void> {
  prepareBox(box, hosts);
  const processes = new Map(hosts.map((host) => [host, new HostProcess(host)]));
  const at = (host: string): HostProcess => {
    const found = processes.get(host);
    if (found === undefined) throw new Error(`no host ${host}`);
    return found;
  };
  for (const host of hosts) await at(host).next("ready");
  at("a").send({ kind: "start-server" });
  await at("a").next("ready");
  await untilServing();
  const fault = faultOf(scenario);
  const values = await fillWithValues(Number(megabytes) * 1024 * 1024);
  const client = new BoxClient({ connectsAgain: mode === "Cold" && fault !== undefined });
  await client.reportAnswered();

  const tasks = () => Object.fromEntries(hosts.map((host) => [host, processesOf(containerOf(box, host)).size]));
  let counter = 0;
  const move = async (from: string, to: string): Promise<Move> => {
    const identity = { operation: `op-${++counter}`, server: "default/web", source: from, target: to, epoch: counter };
    at(to).send({ kind: "expect", identity, mode });
    const { port, ticket } = await at(to).next("expecting");
    at(from).send({ kind: "send", identity, mode, port, ticket });
    const source = (await at(from).next("ended")).report;
    const target = (await at(to).next("ended")).report;
    const seen = await client.reportAnswered();
    if (mode === "Cold") await untilServing();
    const intact =
      mode === "Cold" || seen.error === undefined ? (await digestOfValues(values.count)) === values.digest : undefined;
    const moved = { from, to, source, target, client: seen, intact, tasks: tasks() };
    if (process.env["BOX_DEBUG"] !== undefined) process.stderr.write(runSync("sh", "-c", process.env["BOX_DEBUG"]));
    if (process.env["BOX_TRACE"] !== undefined) process.stderr.write(`${JSON.stringify(moved, undefined, 1)}\n`);
    return moved;
  };

  /** The agent of one host dies when the memory is being filled, and is started again. */
  const dieWhileFilling = async (victim: string): Promise<Deaths> => {
    const identity = { operation: "op-1", server: "default/web", source: "a", target: "b", epoch: 1 };
    at("b").send({ kind: "expect", identity, mode });
    const { port, ticket } = await at("b").next("expecting");
    at("a").send({ kind: "send", identity, mode, port, ticket });
    await committed.promise;
    await systemEnvironment.sleep(untilFillingMs);
    at(victim).end("SIGKILL");
    const survivor = (await at(victim === "a" ? "b" : "a").next("ended")).report;
    await systemEnvironment.sleep(untilFillingMs);
    const before = tasks();
    const again = new HostProcess(victim);
    processes.set(victim, again);
    await again.next("ready");
    again.send({ kind: "resume" });
    const { outcome, loss } = await again.next("resumed");
    return { survivor, before, outcome, loss, after: tasks() };
  };

  /** The agent of one host dies by itself at a moment of a cold move, and is started again. */
  const dieWhenCold = async (victim: string, kill: () => void): Promise<Deaths> => {
    const identity = { operation: "op-1", server: "default/web", source: "a", target: "b", epoch: 1 };
    at("b").send({ kind: "expect", identity, mode });
    const { port, ticket } = await at("b").next("expecting");
    kill();
    at("a").send({ kind: "send", identity, mode, port, ticket });
    await at(victim).ended;
    const before = tasks();
    const again = new HostProcess(victim);
    const survivor = at(victim === "a" ? "b" : "a");
    processes.set(victim, again);
    await again.next("ready");
    again.send({ kind: "resume" });
    const { outcome, loss } = await again.next("resumed");
    const { report: survivorReport } = await survivor.next("ended");
    await untilServing();
    const intact = (await digestOfValues(values.count)) === values.digest;
    return { survivor: survivorReport, before, outcome, loss, after: tasks(), intact };
  };

  /** The target's agent dies by itself where the restored server waits at its gate, and is started again; before a commit the source's does, too. */
  const dieAtGate = async (moment: "commit" | "attach", killsFiller: boolean): Promise<Deaths> => {
    const identity = { operation: "op-1", server: "default/web", source: "a", target: "b", epoch: 1 };
    makeLimitedCgroup(box, "a");
    at("b").send({ kind: "expect", identity, mode });
    const { port, ticket } = await at("b").next("expecting");
    armDeath(box, "b", moment);
    const dead = moment === "commit" ? ["b", "a"] : ["b"];
    void at("b").ended.then(() => dead.includes("a") && at("a").end("SIGKILL"));
    at("a").send({ kind: "send", identity, mode, port, ticket });
    for (const host of dead) await at(host).ended;
    if (killsFiller) killFillers();
    const before = tasks();
    const resumed: Pick<Deaths, "outcome" | "loss">[] = [];
    for (const host of dead) {
      const again = new HostProcess(host);
      processes.set(host, again);
      await again.next("ready");
      again.send({ kind: "resume" });
      resumed.push(await again.next("resumed"));
    }
    const [first] = resumed;
    if (first === undefined) throw new Error("nobody was started again");
    const { outcome, loss } = first;
    // Those that were killed are there until CRIU has seen it.
    const sinceMs = systemEnvironment.monotonicMs();
    const isDying = () => (tasks()["b"] ?? 0) > 0 && systemEnvironment.monotonicMs() - sinceMs < endLimitMs;
    if (loss !== undefined) while (isDying()) await systemEnvironment.sleep(20);
    const seen = { before, after: tasks(), outcome, loss };
    if (loss !== undefined) return seen;
    await untilServing();
    const intact = (await digestOfValues(values.count)) === values.digest;
    return { ...seen, intact, ...(outcome === "committed" ? { cgroupLimit: limitOfCgroup(box, "b") } : {}) };
  };

  const moves: Move[] = [];
  let deaths: Deaths | undefined;
  let faulty: FaultyMove[] | undefined;
  let refused: RefusedMoves | undefined;
  switch (scenario) {
    case "there-and-back":
      for (const [from, to] of [
        ["a", "b"],
        ["b", "a"],
        ["a", "b"],
        ["b", "a"],
      ] as const)
        moves.push(await move(from, to));
      break;
    case "source-veto":
      writeFileSync(
        `${hostFolders(box, "a").failpoints}/migration.source.${mode === "Cold" ? "stopped" : "post-dump"}`,
        "refuse-once",
      );
      moves.push(await move("a", "b"), await move("a", "b"));
      break;
    case "target-veto":
      writeFileSync(
        `${hostFolders(box, "b").failpoints}/migration.target.${mode === "Cold" ? "complete" : "post-restore"}`,
        "refuse-once",
      );
      moves.push(await move("a", "b"), await move("a", "b"));
      break;
    case "cut-filling":
      writeFileSync(`${hostFolders(box, "a").failpoints}/migration.source.fill`, "refuse-once");
      moves.push(await move("a", "b"));
      break;
    case "source-agent-dies":
    case "target-agent-dies":
      deaths = await dieWhileFilling(scenario === "source-agent-dies" ? "a" : "b");
      break;
    case "target-dies-at-gate":
      deaths = await dieAtGate("attach", false);
      break;
    case "filler-dies-before-commit":
      deaths = await dieAtGate("commit", true);
      break;
    case "filler-dies-after-commit":
      deaths = await dieAtGate("attach", true);
      break;
    case "source-dies-after-commit":
      deaths = await dieWhenCold("a", () => void committed.promise.then(() => at("a").end("SIGKILL")));
      break;
    case "source-dies-when-stopped":
      deaths = await dieWhenCold("a", () => armDeath(box, "a", "stopped"));
      break;
    case "target-dies-when-commit":
    case "target-dies-when-start":
    case "target-dies-when-started":
      deaths = await dieWhenCold("b", () =>
        armDeath(box, "b", momentSchema.parse(scenario.slice("target-dies-when-".length))),
      );
      break;
    case "refused":
      refused = await refusedMoves({ box, hosts, mode, at, client, record });
      break;
    default:
      if (fault === undefined) throw new Error(`no scenario ${scenario}`);
      faulty = await faultyMoves({ box, hosts, mode, fault, perKind: Number(perKind), kinds, at, client, record });
  }
  process.stdout.write(`${JSON.stringify({ moves, deaths, faulty, refused })}\n`);
  client.end();
  for (const host of hosts) at(host).end();
}

try {
  await main();
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
  if (process.env["BOX_LINGER"] !== undefined) runSync("cp", "-r", "--one-file-system", box, process.env["BOX_LINGER"]);
  process.exit(1);
}
if (process.env["BOX_LINGER"] !== undefined) runSync("cp", "-r", "--one-file-system", box, process.env["BOX_LINGER"]);
// The first process's end is the end of everything in the box.
process.exit(0);
