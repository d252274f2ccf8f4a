import type { Checkpoint, CheckpointDetails, CheckpointReport, CheckpointStatus } from "@vfleet/shared";
import { checkpointFinalizer } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";

export interface CheckpointView {
  checkpoint: Checkpoint;
  /** Of the server that it names now; none: there is no such server. */
  server: { uid: string; node: string | undefined; isRunning: boolean; migration: string | undefined } | undefined;
  /** What its node says of it, where that has been heard of. */
  node: { presence: Presence; exists: boolean; report: CheckpointReport | undefined };
}

export type CheckpointAction = { kind: "add-finalizer" | "take" | "describe" | "delete" | "remove-finalizer" };

export interface CheckpointStep {
  status: CheckpointStatus;
  action?: CheckpointAction;
}

/** What is true of a checkpoint now, and what is to be done about it. Every action may be repeated. */
export function checkpointStep(view: CheckpointView): CheckpointStep {
  const { checkpoint } = view;
  const status = checkpoint.status ?? {};
  const hasFinalizer = checkpoint.metadata.finalizers?.includes(checkpointFinalizer) === true;
  if (checkpoint.metadata.deletionTimestamp !== undefined) return hasFinalizer ? deleting(view, status) : { status };
  if (!hasFinalizer)
    return { status: { ...status, phase: status.phase ?? "Pending" }, action: { kind: "add-finalizer" } };
  switch (status.phase ?? "Pending") {
    case "Pending":
      return pending(view, status);
    case "Taking":
      return taking(view, status);
    case "Ready":
      return ready(view, status);
    case "Failed":
    case "Deleting":
      break;
  }
  return { status };
}

function pending({ checkpoint, server }: CheckpointView, status: CheckpointStatus): CheckpointStep {
  const name = checkpoint.spec.server;
  if (server === undefined) return failed(status, "ServerNotFound", `There is no server "${name}"`);
  if (!server.isRunning || server.node === undefined)
    return failed(status, "ServerNotRunning", `Server "${name}" does not run`);
  if (server.migration !== undefined)
    return { status: { ...status, phase: "Pending", message: `Waits for migration "${server.migration}"` } };
  const { message: _message, ...rest } = status;
  return { status: { ...rest, phase: "Taking", node: server.node, serverUid: server.uid } };
}

function taking({ node, server }: CheckpointView, status: CheckpointStatus): CheckpointStep {
  const { report } = node;
  if (report?.phase === "Taking") return { status };
  if (report?.phase === "Failed") return failed(status, "NotTaken", report.message ?? "The agent does not say why");
  if (report === undefined) {
    if (node.presence === "lost") return failed(status, "NodeLost", `Node "${status.node}" is not heard of`);
    if (server?.uid !== status.serverUid) return failed(status, "ServerNotFound", "Its server was deleted");
    return { status, action: { kind: "take" } };
  }
  return { status, action: { kind: "describe" } };
}

/** Of one that its host has described. The host has more to say: every flag of its processors. */
export function readyStatus(status: CheckpointStatus, details: CheckpointDetails): CheckpointStatus {
  const { message: _message, ...rest } = status;
  const { versions, ...seen } = details;
  const { criu, runc, kernel, architecture, cgroup } = versions;
  return { ...rest, ...seen, versions: { criu, runc, kernel, architecture, cgroup }, phase: "Ready" };
}

/** A node that is silent keeps what it had. */
function ready({ node }: CheckpointView, status: CheckpointStatus): CheckpointStep {
  if (node.presence !== "alive" || node.report?.phase === "Ready") return { status };
  return failed(status, "Gone", node.report?.message ?? `Node "${status.node}" does not have it any more`);
}

function deleting({ node }: CheckpointView, status: CheckpointStatus): CheckpointStep {
  if (status.node === undefined || !node.exists) return { status, action: { kind: "remove-finalizer" } };
  const { message: _message, ...rest } = status;
  if (node.presence === "alive") return { status: { ...rest, phase: "Deleting" }, action: { kind: "delete" } };
  return { status: { ...rest, phase: "Deleting", message: `Waits for node "${status.node}", which is not heard of` } };
}

export function failed(status: CheckpointStatus, reason: string, message: string): CheckpointStep {
  return { status: { ...status, phase: "Failed", reason, message } };
}
