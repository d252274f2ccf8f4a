/** How `lab exec` talks to a guest: frames of a kind byte, a 32-bit big-endian length, and that many bytes. */
export const commandPort = 7022;

export const frameKinds = {
  /** To the guest, first and once: JSON, a `CommandRequest`. */
  start: 0,
  /** To the guest: standard input; an empty one is its end. */
  input: 1,
  /** To the guest: a signal's name, for the whole process group. */
  signal: 2,
  output: 3,
  error: 4,
  /** From the guest, last: JSON, a `CommandEnd`. */
  end: 5,
} as const;
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

export interface CommandRequest {
  readonly token: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface CommandEnd {
  /** As a shell would say it: 128 and the signal's number for what a signal ended. */
  readonly code: number;
  /** What kept it from starting. */
  readonly reason?: string;
}

export interface Frame {
  readonly kind: number;
  readonly body: Buffer;
}

const headerBytes = 5;
const mostBytes = 16 * 1024 ** 2;

export function frame(kind: FrameKind, body: Buffer | string = ""): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(kind);
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}

/** Cuts a byte stream into frames, however it arrives. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole with these bytes. */
  *read(bytes: Buffer): Generator<Frame> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= headerBytes) {
      const length = this.#rest.readUInt32BE(1);
      if (length > mostBytes) throw new Error(`a frame of ${length} bytes`);
      const end = headerBytes + length;
      if (this.#rest.length < end) return;
      yield { kind: this.#rest.readUInt8(), body: this.#rest.subarray(headerBytes, end) };
      this.#rest = this.#rest.subarray(end);
    }
  }
}
