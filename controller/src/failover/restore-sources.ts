import type { Checkpoint } from "@vfleet/shared";

export interface RestoreSource {
  /** Name and uid of the Checkpoint. */
  name: string;
  checkpoint: string;
  takenAt: string;
  /** Living nodes that have it. */
  nodes: readonly string[];
}

/** Where a server could be restored from, newest first. */
export function restoreSources(view: {
  uid: string;
  checkpoints: readonly Checkpoint[];
  /** Living nodes that say they have a checkpoint, whole. */
  holders: (checkpoint: string) => readonly string[];
}): RestoreSource[] {
  return view.checkpoints
    .flatMap(({ metadata, status }) => {
      const { uid: checkpoint } = metadata;
      const takenAt = status?.takenAt;
      if (status?.serverUid !== view.uid || status.phase !== "Ready" || metadata.deletionTimestamp !== undefined)
        return [];
      if (takenAt === undefined || checkpoint === undefined) return [];
      const nodes = view.holders(checkpoint);
      return nodes.length === 0 ? [] : [{ name: metadata.name, checkpoint, takenAt, nodes }];
    })
    .toSorted((a, b) => Date.parse(b.takenAt) - Date.parse(a.takenAt));
}
