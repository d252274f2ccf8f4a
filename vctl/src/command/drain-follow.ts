import { type Drain, type DrainFallback, drainKind, drainSchema, migrationKind, migrationSchema } from "@vfleet/shared";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { followObject, followObjects } from "../api/follow.ts";
import type { AnyObject } from "../api/objects.ts";
import { type Cli, interruptedExitCode, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { migrationResult, migrationState } from "../output/migration-lines.ts";
import { bar, Progress } from "../output/progress.ts";
import { deadlineSignal } from "./deadline.ts";
import { isBringBack } from "./drain-object.ts";
import { reasonText } from "../output/reason-text.ts";

type DrainStatus = NonNullable<Drain["status"]>;

/** Phases at which following ends without success; `Blocked` is one that the fleet itself may leave again. */
const endings: ReadonlySet<string> = new Set(["Blocked", "Failed", "Cancelled"]);

export interface FollowedDrain {
  node: string;
  drain: AnyObject;
  timeoutMs: number;
}

const specSchema = z.looseObject({ server: z.string() });
const migrationStatusSchema = migrationSchema.shape.status;

/**
 * Shows each server's move and the drain's own state until it has ended or is blocked. Success returns; anything else
 * throws. Only following stops here when interrupted: the drain is the fleet's.
 */
export async function followDrain(cli: Cli, client: ApiClient, followed: FollowedDrain): Promise<void> {
  const { node, drain, timeoutMs } = followed;
  const { name } = drain.metadata;
  const isBack = isBringBack(drain);
  const progress = new Progress(cli.error);
  const deadline = deadlineSignal(cli, timeoutMs);
  const ended = new AbortController();
  const signal = AbortSignal.any([deadline, ended.signal]);
  const moves = showMoves(client, { cli, progress, followed, signal }).catch((thrown: unknown) => {
    // The drain's own state says all that matters; its moves are the finer picture of it.
    if (!signal.aborted) progress.line(`Cannot follow the moves: ${String(thrown)}`);
  });
  const onLost = () => progress.line(`Lost the connection to ${client.server}; the drain goes on, trying again`);
  try {
    let said = "";
    const waits = new Map<string, string>();
    const moving = new Set<string>();
    for await (const object of followObject(client, drainKind, {
      name,
      signal: deadline,
      environment: cli.environment,
      onLost,
    })) {
      if (object === undefined) throw fail("object-gone", { what: `Drain "${name}"` });
      const status: DrainStatus = drainSchema.shape.status.parse(object["status"] ?? {}) ?? {};
      const { phase = "Pending", moved = 0, total = 0 } = status;
      const headline = `node/${node}: ${phase}${status.message === undefined || status.message === "" ? "" : `: ${status.message}`}`;
      if (phase === "Succeeded") {
        await showLastMoves(cli);
        progress.clear();
        print(cli.output, `node/${node} ${isBack ? "has its servers back" : "drained"}: ${doneText(status)}`);
        return;
      }
      if (headline !== said && !endings.has(phase)) progress.line(headline);
      said = headline;
      for (const wait of status.waiting ?? []) {
        const line = waitingText(wait);
        // Of a move its own lines tell, but for why it is not a live one.
        const isTold = wait.migration !== undefined && (wait.fallback === undefined || moving.has(wait.server));
        if (!isTold && !endings.has(phase) && waits.get(wait.server) !== line) progress.line(`  ${line}`);
        waits.set(wait.server, line);
        if (wait.migration !== undefined) moving.add(wait.server);
      }
      progress.update(`node/${node}: ${phase} ${bar(moved, total)} ${moved} of ${total} moved`);
      if (endings.has(phase)) throw unfinished(cli, { node, isBack }, status);
    }
  } catch (thrown) {
    progress.clear();
    const how = `To follow it: vctl get drain ${name} -w\nTo cancel it: vctl drain --cancel ${node}`;
    if (cli.signal.aborted) {
      print(cli.error, `Stopped following; drain "${name}" goes on.\n${how}`);
      cli.exitCode = interruptedExitCode;
      return;
    }
    if (deadline.aborted)
      throw fail("timed-out", { what: `the drain of "${node}"` }, { hint: `Drain "${name}" goes on.\n${how}` });
    throw thrown;
  } finally {
    ended.abort(new Error("the drain is over"));
    await moves;
  }
}

/** One line when a move begins, and one when it ends. */
async function showMoves(
  client: ApiClient,
  { cli, progress, followed, signal }: { cli: Cli; progress: Progress; followed: FollowedDrain; signal: AbortSignal },
): Promise<void> {
  const said = new Map<string, string>();
  for await (const change of followObjects(client, migrationKind, { signal, environment: cli.environment })) {
    if (change.type !== "present") continue;
    const { metadata } = change.object;
    if (metadata.ownerReferences?.some(({ uid }) => uid === followed.drain.metadata.uid) !== true) continue;
    const { server } = specSchema.parse(change.object["spec"]);
    const status = migrationStatusSchema.parse(change.object["status"] ?? {}) ?? {};
    const name =
      metadata.namespace === undefined || metadata.namespace === client.namespace
        ? server
        : `${metadata.namespace}/${server}`;
    const reason = reasonText(status);
    const line =
      status.phase === "Succeeded"
        ? migrationResult(name, status)
        : `${migrationState({ server: name, status }).headline}${status.phase === "Failed" && reason !== "" ? `: ${reason}` : ""}`;
    const key = metadata.uid ?? metadata.name;
    if (said.get(key) !== line) progress.line(line);
    said.set(key, line);
  }
}

/** Long enough for the moves' own watch to bring what the drain has already counted. */
const lastMovesMs = 300;

async function showLastMoves(cli: Cli): Promise<void> {
  await cli.environment.sleep(lastMovesMs);
}

const fallbackTexts: Record<DrainFallback, string> = {
  wait: "held until it can",
  cold: "to be stopped, moved and started again",
  stop: "to be stopped and left with its files",
};

/** Which server, why, and what is done about one that can't be moved while it runs. */
function waitingText({ server, reason, fallback }: NonNullable<DrainStatus["waiting"]>[number]): string {
  return `${server}: ${reason}${fallback === undefined ? "" : ` (fallback ${fallback}: ${fallbackTexts[fallback]})`}`;
}

function doneText({ moved = 0, total = 0, stopped = [], started = [], message = "" }: DrainStatus): string {
  const also = [
    ...(stopped.length === 0 ? [] : [`${stopped.length} stopped: ${stopped.join(", ")}`]),
    ...(started.length === 0 ? [] : [`${started.length} started: ${started.join(", ")}`]),
  ];
  const counts = [`${moved} of ${total} ${total === 1 ? "server" : "servers"} moved`, ...also].join(", ");
  return total === 0 && also.length === 0 && message !== "" ? `${counts} (${message})` : counts;
}

/** Says which servers are left and why, one line each. */
function unfinished(cli: Cli, { node, isBack }: { node: string; isBack: boolean }, status: DrainStatus) {
  const { phase = "Pending", waiting = [], message = "" } = status;
  for (const wait of waiting) print(cli.error, `  ${waitingText(wait)}`);
  const left = `${waiting.length} ${waiting.length === 1 ? "server" : "servers"} ${phase === "Blocked" ? "cannot move" : "left"}`;
  const why = waiting.length > 0 ? left : message || status.reason || "no reason given";
  const code = status.reason === undefined || waiting.length === 0 ? "" : ` (${status.reason})`;
  const what = isBack ? "bring-back-unfinished" : "drain-unfinished";
  return fail(what, { node, reason: `${phase}${code}, ${why}` }, { hint: hintAfter(phase, node, isBack) });
}

function hintAfter(phase: string, node: string, isBack: boolean): string {
  if (phase === "Blocked") {
    const goesOn = isBack ? "It goes on when it can." : "The node stays cordoned and the drain goes on when it can.";
    return `${goesOn} To end it: vctl drain --cancel ${node}`;
  }
  if (isBack) return `What is back stays. To go on: vctl uncordon ${node} --bring-back`;
  return `The node stays cordoned; its servers run on. To open it again: vctl uncordon ${node}`;
}
