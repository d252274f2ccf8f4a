import type { Checkpoint, CheckpointReport, Restore, RestoreReport, RestoreStatus } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";
import type { Choice } from "../../scheduler/schedule.ts";
import type { ServerView } from "./checkpoint-view.ts";

/** Reports come every 2 s: a host that has taken a restore on and doesn't know of it was started again. */
export const restoreForgottenMs = 10_000;
/** A host that is told to fetch a checkpoint says so at once. Until then what it said before may be of an earlier try. */
const copyHeardMs = 3000;

export interface RestoreView {
  restore: Restore;
  checkpoint: Checkpoint | undefined;
  /** In whose place it is restored: the checkpoint's, or the new one, which may not be there yet. */
  server: Omit<ServerView, "spec"> | undefined;
  /** Living nodes that have the checkpoint. */
  holders: readonly string[];
  /** Of the server's node: what it says of the restore, and of the checkpoint. */
  node: { presence: Presence; report: RestoreReport | undefined; checkpoint: CheckpointReport | undefined };
  /** For a server that is to be made. */
  choose: () => Choice;
  nowMs: number;
  now: string;
}

export type RestoreAction =
  | { kind: "restore" }
  | { kind: "make-server"; node: string }
  | { kind: "copy"; from: string; to: string }
  /** It runs, and is a server like any other. */
  | { kind: "settle-server" }
  | { kind: "remove-server" };

export interface RestoreStep {
  status: RestoreStatus;
  action?: RestoreAction;
}

/** What is true of a restore now, and what is to be done about it. */
export function restoreStep(view: RestoreView): RestoreStep {
  const status = view.restore.status ?? {};
  if (view.restore.metadata.deletionTimestamp !== undefined) return { status };
  switch (status.phase ?? "Pending") {
    case "Pending":
      return pending(view, status);
    case "Copying":
      return copying(view, status);
    case "Restoring":
      return restoring(view, status);
    case "Succeeded":
    case "Failed":
      break;
  }
  if (!isAwaiting(view)) return { status };
  return { status, action: { kind: status.phase === "Failed" ? "remove-server" : "settle-server" } };
}

/** Why it can't be asked for; none: it can. Asked when it is made, and when it begins. */
export function objectionToRestore({
  restore,
  checkpoint,
  server,
}: Pick<RestoreView, "restore" | "checkpoint" | "server">): string | undefined {
  const name = restore.spec.checkpoint;
  if (checkpoint === undefined) return `There is no checkpoint "${name}"`;
  const { phase = "Pending", serverUid } = checkpoint.status ?? {};
  if (phase !== "Ready") return `Checkpoint "${name}" is ${phase}, not Ready`;
  const { target } = restore.spec;
  if (target !== undefined) {
    const isOwn = server?.awaits === restore.metadata.name;
    return server === undefined || isOwn
      ? undefined
      : `There is a server "${target.server}": spec.target names a new one`;
  }
  const serverName = checkpoint.spec.server;
  if (server === undefined) return `There is no server "${serverName}" any more: spec.target makes one`;
  if (server.uid !== serverUid) return `Server "${serverName}" is another one than the checkpoint's`;
  if (!server.isWanted)
    return `Server "${serverName}" is ${server.isSuspended ? "suspended: resume" : "to be stopped: start"} it first`;
  if (server.isRunning && !restore.spec.replace)
    return `Server "${serverName}" runs: spec.replace ends it, and what it has done since the checkpoint is lost`;
  return undefined;
}

function pending(view: RestoreView, status: RestoreStatus): RestoreStep {
  const { restore, server, holders, now } = view;
  const refused = (message: string) => failedRestore(status, message, now);
  const waits = (message: string): RestoreStep => ({ status: { ...status, phase: "Pending", message } });
  const objection = objectionToRestore(view);
  if (objection !== undefined) return refused(objection);
  const name = restore.spec.checkpoint;
  if (holders.length === 0) return waits(`No node that has checkpoint "${name}" is heard of`);
  if (server === undefined) {
    const choice = view.choose();
    return "node" in choice
      ? { ...waits("Its server is made"), action: { kind: "make-server", node: choice.node } }
      : waits(choice.unschedulable);
  }
  if (server.migration !== undefined) return waits(`Waits for migration "${server.migration}"`);
  if (server.node === undefined) return waits(server.message ?? "Its server has no place yet");
  const { message: _message, ...rest } = status;
  const { node } = server;
  const begun = { ...rest, node, startedAt: now, serverUid: server.uid };
  return { status: { ...begun, phase: holders.includes(node) ? "Restoring" : "Copying" } };
}

function copying(view: RestoreView, status: RestoreStatus): RestoreStep {
  const { node, holders, nowMs, now } = view;
  const { message: _message, ...rest } = status;
  const to = status.node ?? "";
  if (node.presence === "lost") return failedRestore(status, `Node "${to}" is not heard of`, now);
  if (view.server?.uid !== status.serverUid) return failedRestore(status, "Its server was deleted", now);
  const { checkpoint: report } = node;
  if (report?.phase === "Ready") return { status: { ...rest, phase: "Restoring" } };
  if (report?.phase === "Copying") return { status };
  const isHeard = status.copyAskedAt !== undefined && nowMs - Date.parse(status.copyAskedAt) > copyHeardMs;
  if (status.copyAskedAt !== undefined && !isHeard) return { status };
  if (isHeard && report?.phase === "Failed")
    return failedRestore(status, report.message ?? "The agent does not say why", now);
  const [from] = holders;
  if (from === undefined) return failedRestore(status, "No node that has the checkpoint is heard of any more", now);
  return { status: { ...status, copyAskedAt: now }, action: { kind: "copy", from, to } };
}

function restoring({ restore, node, server, nowMs, now }: RestoreView, status: RestoreStatus): RestoreStep {
  const { report } = node;
  if (report?.phase === "Restoring") return { status };
  if (report?.phase === "Failed") return failedRestore(status, report.message ?? "The agent does not say why", now);
  if (report?.phase === "Succeeded") {
    const { message: _message, ...rest } = status;
    const pause = report.pauseMs === undefined ? {} : { pauseMs: report.pauseMs };
    return { status: { ...rest, ...pause, phase: "Succeeded", endedAt: now } };
  }
  if (status.acceptedAt === undefined) {
    if (node.presence === "lost") return failedRestore(status, `Node "${status.node}" is not heard of`, now);
    if (server?.uid !== status.serverUid) return failedRestore(status, "Its server was deleted", now);
    // Its node has heard of it, or will.
    const isAwaited = restore.spec.target !== undefined || server?.isSuspended === true;
    if (isAwaited && server?.isAwaiting !== true) return { status };
    return { status, action: { kind: "restore" } };
  }
  if (node.presence !== "alive" || nowMs - Date.parse(status.acceptedAt) < restoreForgottenMs) return { status };
  return failedRestore(status, "The agent was started again meanwhile; what was restored by then is not known", now);
}

function isAwaiting({ restore, server }: RestoreView): boolean {
  return restore.spec.target !== undefined && server?.awaits === restore.metadata.name;
}

export function failedRestore(status: RestoreStatus, message: string, now: string): RestoreStep {
  return { status: { ...status, phase: "Failed", message, endedAt: now } };
}
