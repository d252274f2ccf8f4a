import { existsSync, readdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { removeFolder } from "../session/operation-folders.ts";
import { chunkIdsIn, releaseChunks, sweepChunks } from "./kept/chunk-store.ts";

/** Where a checkpoint has its members, named as in an archive. The volume's snapshot is kept by the host's storage. */
export interface CheckpointFolder {
  folder: string;
  /** Written last: a folder without it is no checkpoint. */
  manifest: string;
  /** CRIU's. */
  images: string;
  /** The OCI configuration that the server ran with. For readers: nothing is restored by it. */
  runtimeSpec: string;
  statistics: string;
  /** Chunks of its larger members, by their digests; other checkpoints link the same. */
  chunks: string;
  /** Which chunks of which member. */
  index: string;
}

export function checkpointFolder(stateFolder: string, id: string): CheckpointFolder {
  const folder = join(stateFolder, "checkpoints", id);
  return {
    folder,
    manifest: join(folder, "manifest.json"),
    images: join(folder, "checkpoint"),
    runtimeSpec: join(folder, "spec.dump"),
    statistics: join(folder, "stats-dump"),
    chunks: join(folder, "chunks"),
    index: join(folder, "chunk-index"),
  };
}

/** Ids of all that are whole. */
export function listCheckpoints(stateFolder: string): string[] {
  return foldersBelow(stateFolder).filter((id) => existsSync(checkpointFolder(stateFolder, id).manifest));
}

/** Removes what an agent has left that ended in the middle of taking or deleting one; returns their ids. Before any is taken. */
export function purgeUnfinishedCheckpoints(stateFolder: string): string[] {
  const unfinished = foldersBelow(stateFolder).filter((id) => !existsSync(checkpointFolder(stateFolder, id).manifest));
  for (const id of unfinished) removeFolder(checkpointFolder(stateFolder, id).folder);
  sweepChunks(stateFolder);
  return unfinished;
}

/** What is in its folder goes, and what no other checkpoint needs of it. */
export function discardCheckpoint(stateFolder: string, id: string): void {
  const { folder, chunks } = checkpointFolder(stateFolder, id);
  const ids = chunkIdsIn(chunks);
  removeFolder(folder);
  releaseChunks(stateFolder, ids);
}

/** It is no checkpoint from here on, also after a power cut; then its folder goes. Removing what isn't there is done. */
export async function removeCheckpoint(stateFolder: string, id: string): Promise<void> {
  const { folder, manifest } = checkpointFolder(stateFolder, id);
  if (!existsSync(folder)) return;
  rmSync(manifest, { force: true });
  const opened = await open(folder, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
  discardCheckpoint(stateFolder, id);
}

function foldersBelow(stateFolder: string): string[] {
  const parent = join(stateFolder, "checkpoints");
  return existsSync(parent) ? readdirSync(parent).toSorted() : [];
}
