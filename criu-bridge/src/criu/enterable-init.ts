import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageMessages, readFields } from "./image-fields.ts";

/** `MmEntry` of CRIU's images/mm.proto. */
const dumpableField = 15;
/** Of the server's first process, by its number inside. */
const imageName = "mm-1.img";

/**
 * Lets a server whose first process has dropped privileges be moved again. The kernel calls such a process not dumpable
 * (PR_SET_DUMPABLE(2const)), and who looks at it needs rights in the user namespace that its memory was made in: the server's own before,
 * this host's once CRIU has restored it. CRIU looks from inside the server's, at the first process only (criu/namespaces.c,
 * `check_user_ns`), so that one is made dumpable. The others stay as they were.
 */
export function makeInitEnterable(imagesFolder: string): void {
  const path = join(imagesFolder, imageName);
  if (!existsSync(path)) return;
  const image = readFileSync(path);
  if (makeDumpable(image)) writeFileSync(path, image);
}

/** Changes the bytes of an `mm` image in place; whether it had to. */
export function makeDumpable(image: Buffer): boolean {
  for (const message of imageMessages(image)) {
    const dumpable = readFields(message).get(dumpableField);
    if (dumpable === undefined || dumpable.value === 1) continue;
    dumpable.bytes[0] = 1;
    return true;
  }
  return false;
}
