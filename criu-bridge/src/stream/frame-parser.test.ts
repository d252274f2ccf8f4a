import { describe, expect, it } from "vitest";
import { channels, frameHeaderBytes, payloadLimitBytes, writeFrameHeader, type FrameHeader } from "./frame.ts";
import { FrameParser, type ReceivedFrame } from "./frame-parser.ts";

function frame(payload: Buffer, change: Partial<FrameHeader> = {}): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  const about = { channel: channels.control, flags: 0, sequence: 0, payloadBytes: payload.length };
  writeFrameHeader(header, { ...about, plainBytes: payload.length, ...change }, payload);
  return Buffer.concat([header, payload]);
}

function parser(frames: ReceivedFrame[]): FrameParser {
  return new FrameParser({ deliver: (received) => frames.push(received), isHeldBack: () => false });
}

function feed(into: FrameParser, stream: Buffer, stepBytes: number): void {
  for (let at = 0; at < stream.length;) {
    const bytes = stream.copy(into.space() ?? Buffer.alloc(0), 0, at, Math.min(at + stepBytes, stream.length));
    into.filled(bytes);
    at += bytes;
  }
}

function parse(stream: Buffer, stepBytes: number): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  feed(parser(frames), stream, stepBytes);
  return frames;
}

describe("frames", () => {
  it.each([1, 7, 4096, 1 << 20])("come whole however they are cut, %i bytes at a time", (stepBytes) => {
    const payloads = [Buffer.from("one"), Buffer.alloc(0), Buffer.alloc(70_000, 7)];
    const stream = Buffer.concat(payloads.map((payload, sequence) => frame(payload, { sequence })));
    expect(parse(stream, stepBytes).map(({ payload }) => payload)).toEqual(payloads);
  });

  it.each([
    ["a flipped bit", () => frame(Buffer.from("text")).fill(0xff, frameHeaderBytes, frameHeaderBytes + 1), /checksum/],
    ["another version", () => frame(Buffer.from("text")).fill(9, 0, 1), /version 2 is needed, found 9/],
    ["an unknown channel", () => frame(Buffer.from("text")).fill(9, 1, 2), /channel 9/],
    ["unknown flags", () => frame(Buffer.from("text"), { flags: 128 }), /flags 128/],
    ["a repeated or lost frame", () => frame(Buffer.from("text"), { sequence: 3 }), /frame 0 was expected, found 3/],
    ["a huge payload", () => frame(Buffer.from("text"), { payloadBytes: payloadLimitBytes + 1 }), /may have/],
    ["a plain length that isn't its own", () => frame(Buffer.from("text"), { plainBytes: 5 }), /one length/],
  ])("are refused with %s", (_what, make, message) => {
    expect(() => parse(make(), 4096)).toThrow(message);
  });
});

describe("a stream of frames of every channel", () => {
  const payloads = Object.values(channels).map((channel) => Buffer.from(`of channel ${channel}`));
  const frames = Object.values(channels).map((channel, sequence) =>
    frame(payloads[sequence] ?? Buffer.alloc(0), { channel, sequence, flags: channel === channels.volume ? 2 : 0 }),
  );
  const stream = Buffer.concat(frames);
  const ends = new Set(frames.map((_, index) => Buffer.concat(frames.slice(0, index + 1)).length));

  it("cut after any byte gives the frames before it and nothing else, and may only end between two", () => {
    for (let length = 0; length <= stream.length; length++) {
      const received: ReceivedFrame[] = [];
      const into = parser(received);
      feed(into, stream.subarray(0, length), 4096);
      expect(received.map(({ payload }) => payload)).toEqual(payloads.slice(0, received.length));
      expect([length, into.betweenFrames]).toEqual([length, length === 0 || ends.has(length)]);
    }
  });

  it("with any bit flipped gives the frames before it and nothing else", () => {
    for (let bit = 0; bit < stream.length * 8; bit++) {
      const flipped = Buffer.from(stream);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const received: ReceivedFrame[] = [];
      const into = parser(received);
      // A longer length waits for bytes that don't come: then the connection ends inside a frame.
      const isRefused = () => {
        try {
          feed(into, flipped, 4096);
          return !into.betweenFrames;
        } catch {
          return true;
        }
      };
      expect([bit, isRefused()]).toEqual([bit, true]);
      expect(received.map(({ header, payload }) => [header.channel, payload])).toEqual(
        payloads.slice(0, received.length).map((payload, channel) => [channel, payload]),
      );
      expect(Buffer.concat(frames.slice(0, received.length)).length).toBeLessThanOrEqual(bit >> 3);
    }
  });
});
