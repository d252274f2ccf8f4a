import type { Checkpoint, Restore, VirtualServer } from "@vfleet/shared";

export interface SuspendView {
  server: VirtualServer;
  isRunning: boolean;
  /** The one that it ends with, unless it is being deleted. */
  checkpoint: Checkpoint | undefined;
  /** Of it, to go on. */
  restore: Restore | undefined;
}

export type SuspendAction =
  | { kind: "take" }
  /** It is its checkpoint now. */
  | { kind: "note"; checkpoint: string }
  | { kind: "resume"; checkpoint: string }
  /** It runs again, or is to begin anew: the checkpoint is of no more use. */
  | { kind: "forget" };

/** What is to be done for a server to be suspended, or to go on. Every action may be repeated. */
export function suspendStep({ server, isRunning, checkpoint, restore }: SuspendView): SuspendAction | undefined {
  const { suspended } = server.status ?? {};
  const phase = checkpoint?.status?.phase ?? "Pending";
  const isReady = checkpoint !== undefined && phase === "Ready" && suspended === undefined;
  if (isReady && server.spec.runStrategy !== "Stopped") return { kind: "note", checkpoint: checkpoint.metadata.name };
  switch (server.spec.runStrategy) {
    case "Suspended":
      return suspended === undefined && checkpoint === undefined && isRunning ? { kind: "take" } : undefined;
    case "Running":
      if (suspended === undefined) return isUseless(checkpoint, phase) ? { kind: "forget" } : undefined;
      if (restore === undefined) return { kind: "resume", checkpoint: suspended.checkpoint };
      return restore.status?.phase === "Succeeded" ? { kind: "forget" } : undefined;
    case "Stopped":
      break;
  }
  return suspended !== undefined || isUseless(checkpoint, phase) || isReady ? { kind: "forget" } : undefined;
}

/** What is being taken ends first: the server may end with it. */
function isUseless(checkpoint: Checkpoint | undefined, phase: string): boolean {
  return checkpoint !== undefined && (phase === "Pending" || phase === "Failed");
}
