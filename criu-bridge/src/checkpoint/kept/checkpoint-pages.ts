import { readFileSync } from "node:fs";
import type { PagesFile } from "../../pages/stored-pages.ts";
import { readCheckpointKey } from "./checkpoint-key.ts";
import { readChunkIndex } from "./chunk-index.ts";
import { ChunkedFile } from "./chunked-file.ts";
import { plainSealing } from "./sealing.ts";

/** Where the program that fills memory finds a checkpoint's pages. */
export interface ChunkPlace {
  /** Folder of the checkpoint's chunks. */
  chunks: string;
  /** Chunk index, as it is before it is sealed. */
  index: string;
  /** File with the key that they are encrypted with. */
  key?: string;
}

/** Opens files of pages by their names. A chunk that isn't what was written fails the read, and gives nothing. */
export function checkpointPages({ chunks, index, key = "" }: ChunkPlace): (name: string) => PagesFile {
  const sealing = key === "" ? plainSealing : readCheckpointKey(key);
  const members = readChunkIndex(readFileSync(index));
  return (name) => {
    const member = `checkpoint/${name}`;
    const options = { checkpoint: chunks, folder: chunks, sealing };
    const file = new ChunkedFile(options, member, members.get(member) ?? []);
    return { read: (into, position) => file.read(into, position), close: () => {} };
  };
}
