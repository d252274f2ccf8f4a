import type { Readable } from "node:stream";
import type { FrameConnection } from "../stream/frame-connection.ts";
import type { Message } from "./messages.ts";
import { sendVolume } from "./volume-channel.ts";

/** Sends rounds of the volume, one at a time, each until the target has it whole. */
export class VolumeSender {
  readonly #send: (message: Message) => Promise<void>;
  readonly #abandoned = Promise.withResolvers<never>();
  #stream: Readable | undefined;
  #isAbandoned = false;
  #received: (() => void) | undefined;
  #bytes = 0;

  constructor(send: (message: Message) => Promise<void>) {
    this.#send = (message) => send(message);
    this.#abandoned.promise.catch(() => {});
  }

  /** Of all rounds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the round's length. */
  async send(
    connection: FrameConnection,
    stream: Readable,
    about: { round: number; frozen: boolean },
  ): Promise<number> {
    this.#stream = stream;
    if (this.#isAbandoned) await this.#close(stream);
    return Promise.race([this.#abandoned.promise, this.#sendWhole(connection, stream, about)]);
  }

  /** The target has the round that was sent last. */
  heard(): void {
    this.#received?.();
  }

  /** Ends the round under way, and any later one. Resolves when its snapshot isn't being read any more. */
  async abandon(reason: Error): Promise<void> {
    this.#isAbandoned = true;
    this.#abandoned.reject(reason);
    if (this.#stream !== undefined) await this.#close(this.#stream);
  }

  async #sendWhole(
    connection: FrameConnection,
    stream: Readable,
    about: { round: number; frozen: boolean },
  ): Promise<number> {
    const received = new Promise<void>((resolve) => (this.#received = resolve));
    // Not awaited: a child's output is thrown away by Node when the child ends and nobody reads yet.
    const begun = this.#send({ type: "volume-begin", ...about });
    const [bytes] = await Promise.all([sendVolume(connection, stream), begun]);
    this.#bytes += bytes;
    await received;
    return bytes;
  }

  async #close(stream: Readable): Promise<void> {
    if (stream.closed) return;
    await new Promise<void>((resolve) => {
      stream.once("close", resolve);
      stream.on("error", () => {}); // whoever reads it is told
      stream.destroy();
    });
  }
}
