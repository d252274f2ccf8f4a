import type { Checkpoint, Restore, RestoreReport, RestoreStatus } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";

/** Reports come every 2 s: a host that has taken a restore on and doesn't know of it was started again. */
export const restoreForgottenMs = 10_000;

export interface RestoreView {
  restore: Restore;
  checkpoint: Checkpoint | undefined;
  /** Of the checkpoint's server: none where it isn't there any more. */
  server:
    | { uid: string; node: string | undefined; isWanted: boolean; isRunning: boolean; migration: string | undefined }
    | undefined;
  node: { presence: Presence; report: RestoreReport | undefined };
  nowMs: number;
  now: string;
}

export interface RestoreStep {
  status: RestoreStatus;
  action?: "restore";
}

/** What is true of a restore now, and whether its node is to be told. */
export function restoreStep(view: RestoreView): RestoreStep {
  const status = view.restore.status ?? {};
  if (view.restore.metadata.deletionTimestamp !== undefined) return { status };
  switch (status.phase ?? "Pending") {
    case "Pending":
      return pending(view, status);
    case "Restoring":
      return restoring(view, status);
    case "Succeeded":
    case "Failed":
      break;
  }
  return { status };
}

function pending(view: RestoreView, status: RestoreStatus): RestoreStep {
  const { restore, checkpoint, server, now } = view;
  const refused = (message: string) => failedRestore(status, message, now);
  const name = restore.spec.checkpoint;
  if (checkpoint === undefined) return refused(`There is no checkpoint "${name}"`);
  const { phase = "Pending", node, serverUid } = checkpoint.status ?? {};
  if (phase !== "Ready" || node === undefined) return refused(`Checkpoint "${name}" is ${phase}, not Ready`);
  const serverName = checkpoint.spec.server;
  if (server === undefined) return refused(`There is no server "${serverName}" any more`);
  if (server.uid !== serverUid) return refused(`Server "${serverName}" is another one than the checkpoint's`);
  if (!server.isWanted) return refused(`Server "${serverName}" is to be stopped: start it first`);
  if (server.migration !== undefined)
    return { status: { ...status, phase: "Pending", message: `Waits for migration "${server.migration}"` } };
  if (server.node !== node)
    return refused(`Server "${serverName}" is on node "${server.node}", the checkpoint on "${node}"`);
  if (server.isRunning && !restore.spec.replace)
    return refused(
      `Server "${serverName}" runs: spec.replace ends it, and what it has done since the checkpoint is lost`,
    );
  const { message: _message, ...rest } = status;
  return { status: { ...rest, phase: "Restoring", node, startedAt: now } };
}

function restoring({ node, server, nowMs, now }: RestoreView, status: RestoreStatus): RestoreStep {
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
    if (server === undefined) return failedRestore(status, "Its server was deleted", now);
    return { status, action: "restore" };
  }
  if (node.presence !== "alive" || nowMs - Date.parse(status.acceptedAt) < restoreForgottenMs) return { status };
  return failedRestore(status, "The agent was started again meanwhile; what was restored by then is not known", now);
}

export function failedRestore(status: RestoreStatus, message: string, now: string): RestoreStep {
  return { status: { ...status, phase: "Failed", message, endedAt: now } };
}
