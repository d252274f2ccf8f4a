import type { PageEntry } from "../../pages/pages-frame.ts";
import { entryFlags, pageBytes } from "../../pages/page-server-protocol.ts";

/** Of a process's addresses: what lies in one window is one chunk. */
export const windowBytes = 256 * 1024;

/**
 * Where a file of pages is cut: lengths in bytes, of all of it. By the addresses that the pages have, and not by their places in the
 * file: a page more in one window moves all that follow it in the file, and changes no chunk but its own.
 */
export function windowCuts(entries: readonly PageEntry[], fileBytes: number): number[] {
  const cuts: number[] = [];
  let cutBytes = 0;
  let window = -1;
  for (const { address, pages, flags } of entries) {
    if ((flags & entryFlags.present) === 0) continue;
    const end = address + pages * pageBytes;
    for (let at = address; at < end;) {
      const own = Math.floor(at / windowBytes);
      const stop = Math.min(end, (own + 1) * windowBytes);
      if (own !== window && cutBytes > 0) {
        cuts.push(cutBytes);
        cutBytes = 0;
      }
      window = own;
      cutBytes += stop - at;
      at = stop;
    }
  }
  if (cutBytes > 0) cuts.push(cutBytes);
  return cuts.reduce((sum, bytes) => sum + bytes, 0) === fileBytes ? cuts : evenCuts(fileBytes);
}

/** Of a file that is no pages, or other pages than its map says. */
export function evenCuts(fileBytes: number): number[] {
  return Array.from({ length: Math.ceil(fileBytes / windowBytes) }, (_, index) =>
    Math.min(windowBytes, fileBytes - index * windowBytes),
  );
}
