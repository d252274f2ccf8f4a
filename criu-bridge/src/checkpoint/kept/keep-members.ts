import { createHash, hash } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { freePart, syncFileSystem } from "../../filling/libc.ts";
import { pagesIdOf, readPageMap } from "../../pages/read-page-map.ts";
import type { CheckpointFolder } from "../checkpoint-folder.ts";
import type { CheckpointMember, KeptParts } from "../checkpoint-manifest.ts";
import { writeChunkIndex, type Chunk } from "./chunk-index.ts";
import { ChunkWriter } from "./chunk-store.ts";
import { isPagesName, memberNames } from "./member-names.ts";
import type { Sealing } from "./sealing.ts";
import { evenCuts, windowBytes, windowCuts } from "./window-cuts.ts";

/** Smaller members that are no pages stay files of their own. */
const wholeBytes = windowBytes;

export interface KeepOptions {
  stateFolder: string;
  /** Where they are, plain. */
  plain: CheckpointFolder;
  /** Where they are kept; the same, where they aren't encrypted. */
  folder: CheckpointFolder;
  sealing: Sealing;
  /** Members whose digests are known already. */
  known: ReadonlyMap<string, CheckpointMember>;
}

/** Puts pages and other large members into chunks, and everything on the disk. The server runs meanwhile, and so does the agent. */
export async function keepMembers(options: KeepOptions): Promise<{ members: CheckpointMember[]; kept: KeptParts }> {
  const { stateFolder, plain, folder, sealing, known } = options;
  const names = memberNames(plain.folder);
  mkdirSync(folder.images, { recursive: true, mode: 0o700 });
  mkdirSync(folder.chunks, { mode: 0o700 });
  const writer = new ChunkWriter(stateFolder, folder.chunks, sealing);
  const maps = pageMaps(plain.images);
  const members: CheckpointMember[] = [];
  const index = new Map<string, Chunk[]>();
  let storedBytes = 0;
  for (const name of names) {
    const path = join(plain.folder, name);
    const { size: bytes } = statSync(path);
    const cuts = isPagesName(name) ? cutPages(maps.get(name), bytes) : evenCuts(bytes);
    if (isPagesName(name) || bytes > wholeBytes) {
      const { chunks, sha256 } = await keepInChunks(path, cuts, writer);
      index.set(name, chunks);
      members.push(known.get(name) ?? { name, bytes, sha256 });
      rmSync(path);
    } else {
      const content = readFileSync(path);
      members.push(known.get(name) ?? { name, bytes, sha256: hash("sha256", content) });
      const sealed = sealing.seal(content, name);
      if (sealed !== content) writeFileSync(join(folder.folder, name), sealed, { mode: 0o600 });
      storedBytes += sealed.length;
    }
  }
  const content = sealing.seal(writeChunkIndex(index), "chunk-index");
  writeFileSync(folder.index, content, { mode: 0o600 });
  await syncFileSystem(folder.folder);
  return {
    members,
    kept: {
      storedBytes: storedBytes + writer.newBytes + content.length,
      index: { bytes: content.length, sha256: hash("sha256", content) },
      ...(sealing.keyId === undefined ? {} : { keyId: sealing.keyId }),
    },
  };
}

async function keepInChunks(
  path: string,
  cuts: readonly number[],
  writer: ChunkWriter,
): Promise<{ chunks: Chunk[]; sha256: string }> {
  const digest = createHash("sha256");
  const memory = Buffer.allocUnsafeSlow(windowBytes);
  const chunks: Chunk[] = [];
  const file = openSync(path, "r+");
  let at = 0;
  try {
    for (const bytes of cuts) {
      const plain = memory.subarray(0, bytes);
      if (readSync(file, plain, 0, bytes, at) !== bytes) throw new Error(`"${path}" became shorter`);
      digest.update(plain);
      chunks.push(writer.put(plain));
      freePart(file, at, bytes);
      at += bytes;
      await setImmediate();
    }
  } finally {
    closeSync(file);
  }
  return { chunks, sha256: digest.digest("hex") };
}

/** The page map of each file of pages, by the member's name. */
function pageMaps(images: string): Map<string, Buffer> {
  const maps = new Map<string, Buffer>();
  for (const name of readdirSync(images)) {
    if (!/^pagemap-.*\.img$/.test(name)) continue;
    const map = readFileSync(join(images, name));
    maps.set(`checkpoint/pages-${pagesIdOf(map)}.img`, map);
  }
  return maps;
}

function cutPages(map: Buffer | undefined, bytes: number): number[] {
  return map === undefined ? evenCuts(bytes) : windowCuts(readPageMap(map), bytes);
}
