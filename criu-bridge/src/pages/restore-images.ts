import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PageMapImage } from "./page-map-image.ts";
import { entryFlags, pageBytes } from "./page-server-protocol.ts";

/** Pages of a process that is about to be restored. */
export interface RestoredRange {
  address: number;
  pages: number;
  /** Read for the restore; none: they follow when they are asked for. */
  read: (() => Buffer) | undefined;
}

/**
 * Writes the page images of one process for a restore by `criu restore --lazy-pages`: `pages` with what the restore needs, `pagemap` with
 * that and what follows. Where a page was sent in an earlier round must not show: CRIU fills no memory lazily from parent images.
 */
export function writeRestoreImages(
  folder: string,
  image: { process: number; pagesId: number; ranges: Iterable<RestoredRange> },
): void {
  const map = new PageMapImage(image.pagesId);
  const file = openSync(join(folder, `pages-${image.pagesId}.img`), "w", 0o644);
  try {
    for (const { address, pages, read } of joined(image.ranges)) {
      map.add({ address, pages, flags: read === undefined ? entryFlags.lazy : entryFlags.present });
      if (read !== undefined) writeFileSync(file, read());
    }
  } finally {
    closeSync(file);
  }
  writeFileSync(join(folder, `pagemap-${image.process}.img`), map.bytes(), { mode: 0o644 });
}

/** Each entry costs the daemon a request of its own. */
function* joined(ranges: Iterable<RestoredRange>): Generator<RestoredRange> {
  let open: RestoredRange | undefined;
  for (const range of ranges) {
    const follows =
      open !== undefined &&
      open.read === undefined &&
      range.read === undefined &&
      open.address + open.pages * pageBytes === range.address;
    if (open !== undefined && follows) {
      open.pages += range.pages;
      continue;
    }
    if (open !== undefined) yield open;
    open = { ...range };
  }
  if (open !== undefined) yield open;
}
