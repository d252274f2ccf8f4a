import { crc32 } from "node:zlib";
import { fail } from "../errors.ts";

/** Of the wire format; first byte of every frame. See docs/formats/migration-stream.md. */
export const streamVersion = 2;
export const frameHeaderBytes = 20;
/** Of a frame's payload, as sent and once decompressed. */
export const payloadLimitBytes = 2 * 1024 * 1024;

export const channels = { control: 0, pages: 1, files: 2, volume: 3 } as const;
export type Channel = (typeof channels)[keyof typeof channels];
const channelCount = 4;

/** The payload is one zstd frame. */
export const flagCompressed = 1;
/** Last frame of what the channel carries now (a file, a volume stream). */
export const flagEnd = 2;
const knownFlags = flagCompressed | flagEnd;

/** Of the header, the checksum's place. */
const checksumAt = 16;

export interface FrameHeader {
  channel: Channel;
  flags: number;
  /** Position on the connection, from 0: a frame lost, repeated or reordered is seen. */
  sequence: number;
  payloadBytes: number;
  /** Length once decompressed. */
  plainBytes: number;
  /** See `checksumOf`. */
  checksum: number;
}

/** `payload`: as sent. */
export function writeFrameHeader(into: Buffer, header: Omit<FrameHeader, "checksum">, payload: Buffer): void {
  into.writeUInt8(streamVersion, 0);
  into.writeUInt8(header.channel, 1);
  into.writeUInt8(header.flags, 2);
  into.writeUInt8(0, 3);
  into.writeUInt32LE(header.sequence >>> 0, 4);
  into.writeUInt32LE(header.payloadBytes, 8);
  into.writeUInt32LE(header.plainBytes, 12);
  into.writeUInt32LE(checksumOf(into, payload), checksumAt);
}

/** Checks all that can be checked before the payload is there. */
export function readFrameHeader(from: Buffer, expectedSequence: number): FrameHeader {
  const version = from.readUInt8(0);
  if (version !== streamVersion)
    throw fail("stream-invalid", { reason: `version ${streamVersion} is needed, found ${version}` });
  const channel = from.readUInt8(1);
  if (channel >= channelCount) throw fail("stream-invalid", { reason: `channel ${channel} is unknown` });
  const flags = from.readUInt8(2);
  if ((flags & ~knownFlags) !== 0 || from.readUInt8(3) !== 0)
    throw fail("stream-invalid", { reason: `flags ${flags} are unknown` });
  const sequence = from.readUInt32LE(4);
  if (sequence !== expectedSequence >>> 0)
    throw fail("stream-invalid", { reason: `frame ${expectedSequence >>> 0} was expected, found ${sequence}` });
  const payloadBytes = from.readUInt32LE(8);
  const plainBytes = from.readUInt32LE(12);
  if (payloadBytes > payloadLimitBytes || plainBytes > payloadLimitBytes) {
    throw fail("stream-invalid", {
      reason: `a payload may have ${payloadLimitBytes} bytes, found ${Math.max(payloadBytes, plainBytes)}`,
    });
  }
  if ((flags & flagCompressed) === 0 && payloadBytes !== plainBytes) {
    throw fail("stream-invalid", {
      reason: `an uncompressed payload has one length, found ${payloadBytes} and ${plainBytes}`,
    });
  }
  // The channel was compared with the number of channels above.
  return {
    channel: channel as Channel,
    flags,
    sequence,
    payloadBytes,
    plainBytes,
    checksum: from.readUInt32LE(checksumAt),
  };
}

/** Payloads up to here are summed whole. */
const wholeBytes = 64 * 1024;
const edgeBytes = 16 * 1024;

/**
 * CRC-32 of the header before it and of the payload as sent, of big ones only the edges. TLS authenticates every byte; this is for our
 * own mistakes, and over gigabytes of memory it would cost as much as their encryption.
 */
export function checksumOf(header: Buffer, payload: Buffer): number {
  const ofHeader = crc32(header.subarray(0, checksumAt));
  if (payload.length <= wholeBytes) return crc32(payload, ofHeader);
  return crc32(payload.subarray(payload.length - edgeBytes), crc32(payload.subarray(0, edgeBytes), ofHeader));
}
