import { PassThrough, type Readable } from "node:stream";
import { fail } from "../errors.ts";
import { decompress } from "../stream/compressor.ts";
import { channels, flagEnd, frameHeaderBytes, payloadLimitBytes } from "../stream/frame.ts";
import type { FrameConnection } from "../stream/frame-connection.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";

/** Chunks that may be on their way at once. */
const chunksInFlight = 16;

/** Sends one volume stream to its end; returns its length. */
export async function sendVolume(connection: FrameConnection, stream: Readable): Promise<number> {
  let bytes = 0;
  const inFlight: Promise<void>[] = [];
  for await (const piece of stream) {
    if (!Buffer.isBuffer(piece))
      throw fail("stream-invalid", { reason: "a volume stream gave something that is no data" });
    for (let at = 0; at < piece.length; at += payloadLimitBytes) {
      const chunk = piece.subarray(at, at + payloadLimitBytes);
      bytes += chunk.length;
      const buffer = Buffer.concat([Buffer.alloc(frameHeaderBytes), chunk]);
      const sent = connection.sendPaced({ channel: channels.volume, flags: 0, buffer });
      // Of several that fail at once only the first one awaited is told.
      sent.catch(() => {});
      inFlight.push(sent);
      if (inFlight.length >= chunksInFlight) await inFlight.shift();
    }
  }
  await Promise.all(inFlight);
  await connection.send(channels.volume, Buffer.alloc(0), flagEnd);
  return bytes;
}

/** Gives the frames of the volume channel to whoever receives the round that was announced. */
export class VolumeReceiver {
  #stream: PassThrough | undefined;
  #bytes = 0;

  /** Of all rounds. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(): Readable {
    if (this.#stream !== undefined)
      throw fail("stream-invalid", { reason: "a volume round began before the last one ended" });
    this.#stream = new PassThrough({ highWaterMark: 4 * 1024 * 1024 });
    // The receiver's own promise reports what goes wrong.
    this.#stream.on("error", () => {});
    return this.#stream;
  }

  take(frame: ReceivedFrame): Promise<void> | undefined {
    const stream = this.#stream;
    if (stream === undefined)
      throw fail("stream-invalid", { reason: "volume data came before its round was announced" });
    const data = decompress(frame.payload, frame.header);
    this.#bytes += data.length;
    if ((frame.header.flags & flagEnd) !== 0) {
      this.#stream = undefined;
      stream.end(data);
      return undefined;
    }
    if (stream.destroyed || stream.write(data)) return undefined;
    return new Promise((resolve) => {
      const goOn = () => {
        stream.off("drain", goOn).off("close", goOn);
        resolve();
      };
      stream.once("drain", goOn).once("close", goOn);
    });
  }

  /** Tells the receiver of a round under way that no more comes. */
  abandon(reason: Error): void {
    this.#stream?.destroy(reason);
    this.#stream = undefined;
  }
}
