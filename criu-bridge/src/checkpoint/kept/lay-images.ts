import { chmodSync, closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { entryFlags, pageBytes } from "../../pages/page-server-protocol.ts";
import { pagesIdOf, readPageMap } from "../../pages/read-page-map.ts";
import type { PageEntry } from "../../pages/pages-frame.ts";
import type { CheckpointManifest } from "../checkpoint-manifest.ts";
import type { ChunkedFile } from "./chunked-file.ts";
import type { KeptMembers } from "./kept-members.ts";
import { isPagesName } from "./member-names.ts";
import { windowBytes } from "./window-cuts.ts";

const imagePrefix = "checkpoint/";
/** CRIU reads them as the server's own users; the folder above `into` has to keep everybody else out. */
const modes = { folder: 0o711, file: 0o644 };

/**
 * Makes a folder of CRIU's images as a restore wants them. Files of pages have holes where the server gets its memory after it runs: that
 * is most of it, and comes from the chunks.
 */
export async function layImages(kept: KeptMembers, { members }: CheckpointManifest, into: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  chmodSync(into, modes.folder);
  const names = members.map(({ name }) => name).filter((name) => name.startsWith(imagePrefix));
  const eager = new Map<string, PageEntry[]>();
  for (const name of names) {
    const path = join(into, basename(name));
    const isMap = /^pagemap-.*\.img$/.test(basename(name));
    const file = kept.chunked(name);
    if (file !== undefined && !isMap) continue;
    const content = file === undefined ? kept.whole(name) : Buffer.concat([...file.parts()]);
    writeFileSync(path, content, { mode: modes.file });
    if (isMap) eager.set(`${imagePrefix}pages-${pagesIdOf(content)}.img`, readPageMap(content));
  }
  for (const name of names) {
    const file = kept.chunked(name);
    if (file === undefined || /\/pagemap-/.test(name)) continue;
    const all = [{ from: 0, bytes: file.bytes }];
    const entries = isPagesName(name) ? eager.get(name) : undefined;
    await layFile(file, join(into, basename(name)), entries === undefined ? all : eagerParts(entries));
  }
}

interface Part {
  from: number;
  bytes: number;
}

async function layFile(file: ChunkedFile, path: string, parts: readonly Part[]): Promise<void> {
  const target = openSync(path, "w", modes.file);
  try {
    ftruncateSync(target, file.bytes);
    for (const { from, bytes } of parts) {
      for (let at = from; at < from + bytes; at += windowBytes) {
        const memory = Buffer.allocUnsafe(Math.min(windowBytes, from + bytes - at));
        file.read(memory, at);
        writeSync(target, memory, 0, memory.length, at);
        await setImmediate();
      }
    }
  } finally {
    closeSync(target);
  }
}

/** Where the pages are that CRIU itself puts in their places. */
function eagerParts(entries: readonly PageEntry[]): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const { pages, flags } of entries) {
    if ((flags & entryFlags.present) === 0) continue;
    const bytes = pages * pageBytes;
    const last = parts.at(-1);
    if ((flags & entryFlags.lazy) === 0) {
      if (last !== undefined && last.from + last.bytes === from) last.bytes += bytes;
      else parts.push({ from, bytes });
    }
    from += bytes;
  }
  return parts;
}
