import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { messageOf } from "@vfleet/shared/basics";
import { fail } from "../../errors.ts";
import { keyBytes, keyedSealing, type Sealing } from "./sealing.ts";

/** With which new checkpoints of a host are encrypted, and those that were are read. */
export interface CheckpointKey {
  file: string;
  sealing: Sealing;
  /** On a tmpfs: where parts stand before they are encrypted. */
  plainFolder: string;
}

/** Throws `checkpoint-key-unusable`. */
export function readCheckpointKey(file: string): Sealing {
  const unusable = (reason: string, cause?: unknown) => fail("checkpoint-key-unusable", { file, reason }, { cause });
  let opened: number;
  try {
    opened = openSync(file, "r");
  } catch (thrown) {
    throw unusable(messageOf(thrown), thrown);
  }
  try {
    const { mode, size } = fstatSync(opened);
    if ((mode & 0o077) !== 0)
      throw unusable(`nobody but its owner may have access, its mode is ${(mode & 0o777).toString(8)}`);
    if (size !== keyBytes) throw unusable(`it must have ${keyBytes} bytes, found ${size}`);
    return keyedSealing(readFileSync(opened));
  } finally {
    closeSync(opened);
  }
}
