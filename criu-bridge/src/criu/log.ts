import { existsSync, openSync, readSync, closeSync, fstatSync } from "node:fs";

/** Errors stand at the end of what can be a long file. */
const tailBytes = 256 * 1024;
const errorLine = /^\((\d+\.\d+)\)\s+(?:\S+:\s+)?Error \(([^)]+)\): (.*)$/;
/** Lines that follow from an earlier one and say nothing by themselves, or that don't matter. */
const consequence =
  /RLIMIT_NOFILE for self|cgroupd: recv req|Dumping FAILED|Restoring FAILED|One of more action scripts failed|exited with|Killed by|Can't unfreeze/;

/** The first error in a CRIU log, without its decoration: what an operator needs. */
export function firstCriuError(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readTail(file).split("\n");
  let fallback: string | undefined;
  for (const line of lines) {
    const [, , where, text] = errorLine.exec(line) ?? [];
    if (text === undefined || where === undefined) continue;
    const found = `${text.trim()} (${where})`;
    if (!consequence.test(text)) return found;
    fallback ??= found;
  }
  return fallback;
}

function readTail(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8", 0, read);
  } finally {
    closeSync(file);
  }
}
