import type { Checkpoint } from "@vfleet/shared";

export interface NewestCheckpoint {
  checkpoint: Checkpoint;
  /** Living nodes that have it, the one that it says first. */
  nodes: string[];
}

/** The checkpoint of a server that lost least, of those that a living node has. Of its own uid: another server of the same name is none. */
export function newestCheckpoint(
  serverUid: string,
  checkpoints: readonly Checkpoint[],
  isAlive: (node: string) => boolean,
): NewestCheckpoint | undefined {
  const found = checkpoints.flatMap((checkpoint) => {
    const { phase, takenAt = "", node, copies = [] } = checkpoint.status ?? {};
    const isOfIt = phase === "Ready" && checkpoint.status?.serverUid === serverUid;
    if (!isOfIt || checkpoint.metadata.deletionTimestamp !== undefined) return [];
    const nodes = [...new Set([...(node === undefined ? [] : [node]), ...copies.map((copy) => copy.node)])];
    const living = nodes.filter(isAlive);
    return living.length === 0 ? [] : [{ checkpoint, nodes: living, takenAt }];
  });
  const [newest] = found.toSorted((a, b) => b.takenAt.localeCompare(a.takenAt));
  return newest === undefined ? undefined : { checkpoint: newest.checkpoint, nodes: newest.nodes };
}
