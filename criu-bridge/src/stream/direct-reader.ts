import type { Socket } from "node:net";
import { fail } from "../errors.ts";

/** Takes bytes where they are to stay. */
export interface ByteSink {
  /** Where the next bytes belong, never empty; undefined: there is no room now. */
  space(): Buffer | undefined;
  /** So many bytes were put at the start of what `space` gave. */
  filled(bytes: number): void;
}

/** What `net.Socket` keeps of its `onread` option, which only connecting sockets are given. */
const internalNames = ["kBuffer", "kBufferCb", "kBufferGen"] as const;
const scratchBytes = 64 * 1024;

type OnRead = (bytes: number, buffer: Buffer) => boolean;

/**
 * Reads a socket into its sink's own memory. Node makes a buffer for every 16 KiB of TLS otherwise, and collecting those costs as much
 * as decrypting them. Accepted sockets have no such option, so it is put where the option would have been (lib/net.js); where a
 * version of Node has nothing there, bytes are copied instead.
 */
export class DirectReader {
  readonly #socket: Socket;
  readonly #sink: ByteSink;
  readonly #failed: (thrown: unknown) => void;
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  /** Read, and without room so far. */
  #held: Buffer | undefined;
  #isWaiting = false;
  #hasFailed = false;

  constructor(options: { socket: Socket; sink: ByteSink; failed: (thrown: unknown) => void }) {
    this.#socket = options.socket;
    this.#sink = options.sink;
    this.#failed = options.failed;
  }

  start(): void {
    const early: unknown = this.#socket.read();
    if (Buffer.isBuffer(early)) this.#guarded(() => this.#deliver(early));
    if (!this.#readDirectly()) {
      this.#socket.on("data", (data: Buffer) => {
        if (!this.#guarded(() => this.#deliver(data))) this.#socket.pause();
      });
    }
    if (!this.#isWaiting) this.#socket.resume();
  }

  /** There may be room again. */
  resume(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || this.#guarded(() => this.#deliver(held))) this.#socket.resume();
  }

  #readDirectly(): boolean {
    const symbols = internalNames.map((name) =>
      Object.getOwnPropertySymbols(this.#socket).find((symbol) => symbol.description === name),
    );
    const handle: unknown = Reflect.get(this.#socket, "_handle");
    const [buffer, callback, generator] = symbols;
    if (buffer === undefined || callback === undefined || generator === undefined || !takesBuffer(handle)) return false;
    const onRead: OnRead = (bytes, into) => this.#guarded(() => this.#taken(bytes, into));
    Reflect.set(this.#socket, buffer, this.#scratch);
    Reflect.set(this.#socket, callback, onRead);
    Reflect.set(this.#socket, generator, () =>
      this.#isWaiting || this.#hasFailed ? this.#scratch : (this.#sink.space() ?? this.#scratch),
    );
    handle.useUserBuffer(this.#scratch);
    return true;
  }

  /** False where reading has to wait. TLS goes on for some records after it was told to stop. */
  #taken(bytes: number, into: Buffer): boolean {
    if (into === this.#scratch) return this.#deliver(into.subarray(0, bytes));
    this.#sink.filled(bytes);
    return this.#sink.space() !== undefined || this.#wait(undefined);
  }

  #deliver(data: Buffer): boolean {
    if (this.#isWaiting) return this.#wait(Buffer.from(data));
    let at = 0;
    while (at < data.length) {
      const space = this.#sink.space();
      // The scratch buffer is filled anew by the next read.
      if (space === undefined) return this.#wait(Buffer.from(data.subarray(at)));
      const bytes = data.copy(space, 0, at);
      at += bytes;
      this.#sink.filled(bytes);
    }
    return this.#sink.space() !== undefined || this.#wait(undefined);
  }

  #wait(rest: Buffer | undefined): false {
    if (rest !== undefined) this.#held = this.#held === undefined ? rest : Buffer.concat([this.#held, rest]);
    this.#isWaiting = true;
    return false;
  }

  /** What comes after a failure is nobody's: a sink that has thrown takes nothing more. */
  #guarded(work: () => boolean): boolean {
    if (this.#hasFailed) return false;
    try {
      return work();
    } catch (thrown) {
      this.#hasFailed = true;
      this.#failed(thrown instanceof Error ? thrown : fail("stream-invalid", { reason: String(thrown) }));
      return false;
    }
  }
}

function takesBuffer(handle: unknown): handle is { useUserBuffer(buffer: Buffer): void } {
  return (
    typeof handle === "object" &&
    handle !== null &&
    "useUserBuffer" in handle &&
    typeof handle.useUserBuffer === "function"
  );
}
