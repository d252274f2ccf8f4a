import type { Migration, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";

/** Nodes that a move leaves or comes to, or that one did less than `settleMs` ago. */
export function movingNodes(
  { migrations, servers }: { migrations: readonly Migration[]; servers: readonly VirtualServer[] },
  { now, settleMs }: { now: string; settleMs: number },
): Set<string> {
  const nodeOf = new Map(
    servers.map(({ metadata, status }) => [`${metadata.namespace}/${metadata.name}`, status?.nodeName]),
  );
  const nodes = new Set<string>();
  for (const { metadata, spec, status } of migrations.filter((migration) => isRecent(migration, now, settleMs))) {
    const source = status?.sourceNode ?? nodeOf.get(`${metadata.namespace}/${spec.server}`);
    const target = status?.targetNode ?? spec.targetNode;
    for (const node of [source, target]) if (node !== undefined) nodes.add(node);
  }
  return nodes;
}

function isRecent(migration: Migration, now: string, settleMs: number): boolean {
  if (!isMigrationEnded(migration)) return true;
  const { startedAt, endedAt } = migration.status ?? {};
  return startedAt !== undefined && Date.parse(now) - Date.parse(endedAt ?? "") < settleMs;
}
