import { existsSync, watch } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

export interface LogOptions {
  /** Goes on with what is written later, until `signal`. */
  follow: boolean;
  /** Only the last lines of what is there; none: all of it. */
  tailLines: number | undefined;
  /** RFC 3339 time before each line. */
  timestamps: boolean;
  /** Only lines written at this time or later, milliseconds since the epoch. */
  sinceMs: number | undefined;
  signal: AbortSignal;
}

const readBytes = 64 << 10;
/** A file can be replaced between a look and the watch: it is looked at so often too. */
const lookMs = 1000;

/** One line of conmon's k8s-file log: `TIME STREAM F|P TEXT`; P: the rest of the line follows. */
interface LogEntry {
  time: string;
  isPartial: boolean;
  text: string;
}

function parseLogEntry(line: string): LogEntry | undefined {
  const match = /^(\S+) (?:stdout|stderr) ([FP]) ?(.*)$/s.exec(line);
  return match === null ? undefined : { time: match[1] ?? "", isPartial: match[2] === "P", text: match[3] ?? "" };
}

/** What a server printed, in order, line by line. conmon begins the file anew when it grows too large; following goes on in the new one. */
export async function* readServerLog(file: string, options: LogOptions): AsyncGenerator<string> {
  let handle = await openLog(file);
  try {
    let lines = new LineReader(handle);
    yield* selected(await collect(lines, options), options);
    while (options.follow && !options.signal.aborted) {
      await changed(file, lines.readBytes, options.signal);
      for await (const line of lines.read()) yield* shown(line, options);
      const successor = await openLog(file);
      if (await isSameFile(handle, successor)) await successor?.close();
      else {
        await handle?.close();
        handle = successor;
        lines = new LineReader(handle);
      }
    }
  } finally {
    await handle?.close();
  }
}

async function collect(lines: LineReader, { tailLines }: LogOptions): Promise<string[]> {
  const kept: string[] = [];
  for await (const line of lines.read()) {
    kept.push(line);
    if (tailLines !== undefined && kept.length > tailLines) kept.shift();
  }
  return kept;
}

function* selected(lines: readonly string[], options: LogOptions): Generator<string> {
  for (const line of lines) yield* shown(line, options);
}

function* shown(line: string, { timestamps, sinceMs }: LogOptions): Generator<string> {
  const entry = parseLogEntry(line);
  if (entry === undefined || (sinceMs !== undefined && Date.parse(entry.time) < sinceMs)) return;
  yield `${timestamps ? `${entry.time} ` : ""}${entry.text}${entry.isPartial ? "" : "\n"}`;
}

/** Whole lines from where the last reading stopped. */
class LineReader {
  readonly #handle: FileHandle | undefined;
  /** Read so far. */
  readBytes = 0;
  #rest = Buffer.alloc(0);

  constructor(handle: FileHandle | undefined) {
    this.#handle = handle;
  }

  async *read(): AsyncGenerator<string> {
    const chunk = Buffer.alloc(readBytes);
    for (;;) {
      const bytesRead = (await this.#handle?.read(chunk, 0, readBytes, this.readBytes))?.bytesRead ?? 0;
      if (bytesRead === 0) return;
      this.readBytes += bytesRead;
      this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)]);
      for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
        yield this.#rest.toString("utf8", 0, end);
        this.#rest = this.#rest.subarray(end + 1);
      }
    }
  }
}

async function openLog(file: string): Promise<FileHandle | undefined> {
  return open(file, "r").catch(() => undefined);
}

async function isSameFile(handle: FileHandle | undefined, other: FileHandle | undefined): Promise<boolean> {
  if (handle === undefined || other === undefined) return handle === other;
  const [a, b] = await Promise.all([handle.stat(), other.stat()]);
  return a.ino === b.ino && a.dev === b.dev;
}

/** Resolves when the file may have more than what was read of it, or may be another one. */
async function changed(file: string, readSoFarBytes: number, signal: AbortSignal): Promise<void> {
  const look = AbortSignal.any([signal, AbortSignal.timeout(lookMs)]);
  const { promise, resolve } = Promise.withResolvers<void>();
  look.addEventListener("abort", () => resolve(), { once: true });
  // The watch first: what is written between it and the look at the size isn't missed.
  const watcher = existsSync(file) ? watch(file, () => resolve()) : undefined;
  watcher?.once("error", () => resolve());
  try {
    const found = await stat(file).catch(() => undefined);
    if (look.aborted || (found !== undefined && found.size !== readSoFarBytes)) return;
    await promise;
  } finally {
    watcher?.close();
  }
}
