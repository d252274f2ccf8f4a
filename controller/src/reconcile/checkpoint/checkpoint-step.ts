import type { Checkpoint, CheckpointDetails, CheckpointReport, CheckpointStatus } from "@vfleet/shared";
import { checkpointFinalizer } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";
import { importedSpec } from "./imported-spec.ts";
import type { ServerView } from "./checkpoint-view.ts";

/** A host that is given an archive says so at once. */
const importHeardMs = 15_000;
/** After a copy that failed, and after one that nobody heard of. */
const copyAgainMs = 30_000;
/** Reason of one that was ready and that nobody has any more. */
const gone = "Gone";

export interface CheckpointView {
  checkpoint: Checkpoint;
  /** Of the server that it names now; none: there is no such server. */
  server: Pick<ServerView, "uid" | "node" | "isRunning" | "migration" | "spec"> | undefined;
  /** What its node says of it, where that has been heard of. */
  node: { presence: Presence; exists: boolean; report: CheckpointReport | undefined };
  /** Of every node that says anything of it, and of those that had it. */
  holders: readonly CheckpointHolder[];
  /** Where another copy would go; none: nowhere, for the reason. */
  nextCopy: { node: string } | { unschedulable: string };
  nowMs: number;
  /** It is being restored somewhere: no copy is taken away. */
  isInUse: boolean;
}

export interface CheckpointHolder {
  node: string;
  presence: Presence;
  exists: boolean;
  report: CheckpointReport | undefined;
}

export type CheckpointAction =
  | { kind: "add-finalizer" | "take" | "describe" | "remove-finalizer" }
  | { kind: "copy"; from: string; to: string }
  | { kind: "trim"; node: string }
  /** `isLast`: nobody else has it. */
  | { kind: "delete"; nodes: string[]; isLast: boolean };

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
    case "Importing":
      return importing(view, status);
    case "Ready":
      return ready(view, status);
    case "Failed":
      return lost(view, status);
    case "Deleting":
      break;
  }
  return { status };
}

/** One that is gone is ready again where a host has it after all, as when its disk or its key is back. */
function lost(view: CheckpointView, status: CheckpointStatus): CheckpointStep {
  const { reason, message: _message, ...rest } = status;
  const isBack = view.holders.some(({ presence, report }) => presence === "alive" && report?.phase === "Ready");
  return reason === gone && isBack ? ready(view, { ...rest, phase: "Ready" }) : { status };
}

function pending({ checkpoint, server }: CheckpointView, status: CheckpointStatus): CheckpointStep {
  const name = checkpoint.spec.server;
  if (server === undefined) return failed(status, "ServerNotFound", `There is no server "${name}"`);
  if (!server.isRunning || server.node === undefined)
    return failed(status, "ServerNotRunning", `Server "${name}" does not run`);
  if (server.migration !== undefined)
    return { status: { ...status, phase: "Pending", message: `Waits for migration "${server.migration}"` } };
  const { message: _message, ...rest } = status;
  const { uid, node, spec } = server;
  return { status: { ...rest, phase: "Taking", node, serverUid: uid, serverSpec: spec } };
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

/** The API has a host keep an archive, and lets the object go where that is refused. Nobody does where the API's process has ended. */
function importing({ node, checkpoint, nowMs }: CheckpointView, status: CheckpointStatus): CheckpointStep {
  const { report } = node;
  if (report?.phase === "Ready") return { status, action: { kind: "describe" } };
  const isNew = nowMs - Date.parse(checkpoint.metadata.creationTimestamp ?? "") < importHeardMs;
  if (report?.phase === "Copying" || isNew) return { status };
  return failed(status, "ImportCut", report?.message ?? `Node "${status.node}" does not have it: import it again`);
}

/** Of one that its host has described. The host has more to say: every flag of its processors. */
export function readyStatus(status: CheckpointStatus, details: CheckpointDetails): CheckpointStatus {
  const { message: _message, ...rest } = status;
  const { versions, spec, ...seen } = details;
  const serverSpec = rest.serverSpec ?? importedSpec(spec);
  const { criu, runc, kernel, architecture, cgroup } = versions;
  return {
    ...rest,
    ...seen,
    ...(serverSpec === undefined ? {} : { serverSpec }),
    versions: { criu, runc, kernel, architecture, cgroup },
    phase: "Ready",
  };
}

/** A node that is silent keeps what it had. */
function ready(view: CheckpointView, status: CheckpointStatus): CheckpointStep {
  const { checkpoint, holders, isInUse } = view;
  const kept = holders.filter(({ presence, exists, report }) =>
    presence === "alive" ? report?.phase === "Ready" : exists,
  );
  if (kept.length === 0) {
    const message = view.node.report?.message ?? `Node "${status.node}" does not have it any more`;
    return failed({ ...status, copies: [] }, gone, message);
  }
  const living = kept.filter(({ presence }) => presence === "alive").map(({ node }) => node);
  const { message: _message, ...rest } = status;
  const node = living.find((holder) => holder === status.node) ?? living[0] ?? status.node ?? "";
  const next: CheckpointStatus = { ...rest, node, copies: kept.map((holder) => ({ node: holder.node })) };
  const { copies } = checkpoint.spec;
  if (living.length > 0 && living.length < copies) return short(view, next, living.length);
  const surplus = isInUse ? undefined : living.findLast((holder) => holder !== node);
  if (living.length <= copies || surplus === undefined) return { status: next };
  return { status: next, action: { kind: "trim", node: surplus } };
}

function short(view: CheckpointView, status: CheckpointStatus, have: number): CheckpointStep {
  const { holders, nextCopy, checkpoint, nowMs } = view;
  const heard = holders.filter(({ presence }) => presence === "alive");
  if (heard.some(({ report }) => report?.phase === "Copying")) return { status };
  const lacks = `${have} of ${checkpoint.spec.copies} copies`;
  if ("unschedulable" in nextCopy) return { status: { ...status, message: `${lacks}: ${nextCopy.unschedulable}` } };
  const failure = heard.find(({ report }) => report?.phase === "Failed");
  const message = failure === undefined ? {} : { message: `${lacks}: ${failure.node}: ${failure.report?.message}` };
  // What failed is tried again, later.
  if (nowMs - Date.parse(status.copyAskedAt ?? "1970-01-01T00:00:00Z") < copyAgainMs)
    return { status: { ...status, ...message } };
  return {
    status: { ...status, ...message, copyAskedAt: new Date(nowMs).toISOString() },
    action: { kind: "copy", from: status.node ?? "", to: nextCopy.node },
  };
}

function deleting({ holders }: CheckpointView, status: CheckpointStatus): CheckpointStep {
  const left = holders.filter(({ exists }) => exists);
  if (left.length === 0) return { status, action: { kind: "remove-finalizer" } };
  const { message: _message, ...rest } = status;
  const silent = left.filter(({ presence }) => presence !== "alive").map(({ node }) => node);
  const nodes = left.map(({ node }) => node).filter((node) => !silent.includes(node));
  const waits = silent.length === 0 ? {} : { message: `Waits for node "${silent[0]}", which is not heard of` };
  const next: CheckpointStatus = { ...rest, ...waits, phase: "Deleting" };
  return nodes.length === 0
    ? { status: next }
    : { status: next, action: { kind: "delete", nodes, isLast: silent.length === 0 } };
}

export function failed(status: CheckpointStatus, reason: string, message: string): CheckpointStep {
  return { status: { ...status, phase: "Failed", reason, message } };
}
