import { describe, expect, it } from "vitest";
import {
  channels,
  checksumOf,
  frameHeaderBytes,
  payloadLimitBytes,
  writeFrameHeader,
  type FrameHeader,
} from "./frame.ts";
import { FrameParser, type ReceivedFrame } from "./frame-parser.ts";

function frame(payload: Buffer, change: Partial<FrameHeader> = {}): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  const plain = { payloadBytes: payload.length, plainBytes: payload.length, checksum: checksumOf(payload) };
  writeFrameHeader(header, { channel: channels.control, flags: 0, sequence: 0, ...plain, ...change });
  return Buffer.concat([header, payload]);
}

function parse(stream: Buffer, stepBytes: number): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  const parser = new FrameParser({ deliver: (received) => frames.push(received), isHeldBack: () => false });
  for (let at = 0; at < stream.length;) {
    const bytes = stream.copy(parser.space() ?? Buffer.alloc(0), 0, at, Math.min(at + stepBytes, stream.length));
    parser.filled(bytes);
    at += bytes;
  }
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
    ["another version", () => frame(Buffer.from("text")).fill(9, 0, 1), /version 1 is needed, found 9/],
    ["an unknown channel", () => frame(Buffer.from("text")).fill(9, 1, 2), /channel 9/],
    ["unknown flags", () => frame(Buffer.from("text"), { flags: 128 }), /flags 128/],
    ["a repeated or lost frame", () => frame(Buffer.from("text"), { sequence: 3 }), /frame 0 was expected, found 3/],
    ["a huge payload", () => frame(Buffer.from("text"), { payloadBytes: payloadLimitBytes + 1 }), /may have/],
    ["a plain length that isn't its own", () => frame(Buffer.from("text"), { plainBytes: 5 }), /one length/],
  ])("are refused with %s", (_what, make, message) => {
    expect(() => parse(make(), 4096)).toThrow(message);
  });
});
