import type { Checkpoint } from "@vfleet/shared";
import { nodeKind, restoreKind } from "@vfleet/shared";
import { z } from "zod";
import { fail } from "../../errors.ts";
import { endpointOf } from "../../fleet/assignment.ts";
import type { Choice } from "../../scheduler/schedule.ts";
import type { ReconcileContext } from "../context.ts";
import { chooseCopyNode } from "./checkpoint-places.ts";
import type { CheckpointHolder } from "./checkpoint-step.ts";

const commandTimeoutMs = 10_000;

/** Nodes that say something of it, and those that had it. */
export function holdersOf(
  { presence, store }: Pick<ReconcileContext, "presence" | "store">,
  checkpoint: Checkpoint,
): CheckpointHolder[] {
  const { uid = "" } = checkpoint.metadata;
  const { node, copies = [] } = checkpoint.status ?? {};
  const reportOf = (name: string) => presence.report(name)?.checkpoints.find((report) => report.checkpoint === uid);
  const known = [...(node === undefined ? [] : [node]), ...copies.map((copy) => copy.node)];
  const names = new Set([...known, ...presence.nodes().filter((name) => reportOf(name) !== undefined)]);
  return [...names].map((name) => ({
    node: name,
    presence: presence.of(name),
    exists: store.get(nodeKind, { name }) !== undefined,
    report: reportOf(name),
  }));
}

/** Living nodes that have it whole. */
export function livingHolders(context: Pick<ReconcileContext, "presence" | "store">, checkpoint: Checkpoint): string[] {
  return holdersOf(context, checkpoint)
    .filter(({ presence, report }) => presence === "alive" && report?.phase === "Ready")
    .map(({ node }) => node);
}

export function nextCopy(context: ReconcileContext, checkpoint: Checkpoint): Choice {
  const { presence, store } = context;
  // Most are to have none: their nodes aren't looked through.
  if (checkpoint.spec.copies === 1) return { unschedulable: "one is enough" };
  return chooseCopyNode({
    nodes: store.list(nodeKind).items,
    holders: holdersOf(context, checkpoint)
      .filter(({ report, presence }) => presence !== "alive" || report?.phase === "Ready")
      .map(({ node }) => node),
    versions: checkpoint.status?.versions,
    infoOf: (node) => presence.report(node)?.info,
    isAlive: (node) => presence.of(node) === "alive",
    heldBy: (node) => presence.report(node)?.checkpoints.length ?? 0,
  });
}

export function isInUse({ store }: ReconcileContext, { metadata }: Checkpoint): boolean {
  return store
    .list(restoreKind, { namespace: metadata.namespace })
    .items.some(
      ({ spec, status }) =>
        spec.checkpoint === metadata.name && status?.phase !== "Succeeded" && status?.phase !== "Failed",
    );
}

/** Who has it may give it to who is to have it, and that one fetches it. */
export async function copyCheckpoint(
  { link, store }: ReconcileContext,
  { id, from, to }: { id: string; from: string; to: string },
): Promise<void> {
  const source = store.get(nodeKind, { name: from });
  const endpoint = source === undefined ? undefined : endpointOf(source);
  if (endpoint === undefined) throw fail("node-unreachable", { node: from });
  const options = { result: z.unknown(), timeoutMs: commandTimeoutMs };
  await link.command(from, { kind: "checkpoint.offer", checkpoint: id, to }, options);
  await link.command(to, { kind: "checkpoint.pull", checkpoint: id, from: { node: from, endpoint } }, options);
}
