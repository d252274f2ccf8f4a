import type { TLSSocket } from "node:tls";
import { fail } from "../errors.ts";
import { AdaptiveCompressor } from "./compressor.ts";
import { DirectReader } from "./direct-reader.ts";
import { flagCompressed, frameHeaderBytes, writeFrameHeader, type Channel } from "./frame.ts";
import { FrameParser, type ReceivedFrame } from "./frame-parser.ts";
import type { Pacer } from "./pacer.ts";

/** Takes one frame; a returned promise holds the connection back until it resolves. */
export type FrameListener = (frame: ReceivedFrame) => Promise<void> | undefined;

/** Frames over one TLS connection, in both directions, with bounded memory: writers wait for the peer, the peer for readers. */
export class FrameConnection {
  readonly #socket: TLSSocket;
  readonly #compressor = new AdaptiveCompressor();
  readonly #peer: string;
  readonly #closed = Promise.withResolvers<void>();
  readonly #pacer: Pacer | undefined;
  /** Paced frames leave one after the other. */
  #paced: Promise<unknown> = Promise.resolve();
  #sequence = 0;
  #failure: Error | undefined;
  #plainBytes = 0;

  constructor(socket: TLSSocket, peer: string, pacer?: Pacer) {
    this.#socket = socket;
    this.#pacer = pacer;
    this.#peer = peer;
    socket.setNoDelay(true);
    socket.on("error", (error) => this.destroy(this.#lost(error)));
    socket.on("close", () => {
      this.#failure ??= fail("stream-closed", { peer });
      this.#closed.resolve();
    });
  }

  /** Starts delivering. Errors in frames or in the listener end the connection. */
  listen(listener: FrameListener): void {
    let waiting = 0;
    const parser = new FrameParser({
      isHeldBack: () => waiting > 0,
      deliver: (frame) => {
        const wait = listener(frame);
        if (wait === undefined) return;
        waiting++;
        wait.then(
          () => {
            waiting--;
            if (waiting === 0) reader.resume();
          },
          (thrown: unknown) => this.destroy(thrown),
        );
      },
    });
    const reader = new DirectReader({ socket: this.#socket, sink: parser, failed: (thrown) => this.destroy(thrown) });
    this.#socket.on("end", () => {
      if (!parser.betweenFrames) this.destroy(fail("stream-invalid", { reason: "it ends inside a frame" }));
      else this.#socket.end();
    });
    reader.start();
  }

  /**
   * Sends `buffer`, whose first bytes are left free for the frame's header and which belongs to the connection until the promise resolves.
   * Compresses where that pays.
   */
  sendInPlace(frame: { channel: Channel; flags: number; buffer: Buffer }): Promise<void> {
    const plain = frame.buffer.subarray(frameHeaderBytes);
    const compressed = this.#compressor.compress(plain);
    const payload = compressed ?? plain;
    const header = compressed === undefined ? frame.buffer : Buffer.allocUnsafe(frameHeaderBytes);
    this.#plainBytes += plain.length;
    const about = {
      channel: frame.channel,
      flags: compressed === undefined ? frame.flags : frame.flags | flagCompressed,
      sequence: this.#sequence++,
      payloadBytes: payload.length,
      plainBytes: plain.length,
    };
    writeFrameHeader(header, about, payload);
    return this.#write(
      compressed === undefined ? frame.buffer : Buffer.concat([header.subarray(0, frameHeaderBytes), compressed]),
    );
  }

  /** The same, not faster than the connection's pace; what isn't paced overtakes it. */
  sendPaced(frame: { channel: Channel; flags: number; buffer: Buffer }): Promise<void> {
    const pacer = this.#pacer;
    if (pacer === undefined) return this.sendInPlace(frame);
    const begun = this.#paced.then(async () => {
      if (this.#failure === undefined) await pacer.turn();
      return { sent: this.sendInPlace(frame) };
    });
    this.#paced = begun;
    return begun.then(({ sent }) => sent);
  }

  send(channel: Channel, payload: Buffer, flags = 0): Promise<void> {
    return this.sendInPlace({ channel, flags, buffer: Buffer.concat([Buffer.alloc(frameHeaderBytes), payload]) });
  }

  /** Resolves once the connection is gone, for whatever reason; `failure` says why. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Sent, encryption included. */
  get wireBytes(): number {
    return this.#socket.bytesWritten;
  }

  /** The peer has not taken all of it yet. */
  get isSending(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Sent, before compression. */
  get plainBytes(): number {
    return this.#plainBytes;
  }

  /** Ends in order, after what was sent. */
  end(): void {
    this.#socket.end();
  }

  destroy(reason?: unknown): void {
    if (reason instanceof Error) this.#failure ??= reason;
    this.#socket.destroy();
  }

  #lost(cause: Error): Error {
    return fail("stream-closed", { peer: this.#peer, reason: cause.message }, { cause });
  }

  #write(data: Buffer): Promise<void> {
    this.#pacer?.spend(data.length);
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined || !this.#socket.writable) {
        reject(this.#failure ?? fail("stream-closed", { peer: this.#peer }));
        return;
      }
      this.#socket.write(data, (error) => {
        if (error) reject(this.#failure ?? this.#lost(error));
        else resolve();
      });
    });
  }
}
