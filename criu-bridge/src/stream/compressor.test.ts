import { createHash } from "node:crypto";
import zstd from "zstd-napi";
import { expect, it } from "vitest";
import { AdaptiveCompressor, decompress } from "./compressor.ts";
import { channels, flagCompressed, type FrameHeader } from "./frame.ts";

const text = Buffer.alloc(200_000, "what repeats shrinks; ");
const header = (plainBytes: number): FrameHeader => ({
  channel: channels.pages,
  flags: flagCompressed,
  sequence: 0,
  payloadBytes: 0,
  plainBytes,
  checksum: 0,
});

/** Incompressible, and the same in every run. */
function noise(bytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 64) }, (_, index) =>
    createHash("sha512").update(String(index)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, bytes);
}

it("compresses what shrinks and gives it back", () => {
  const compressed = new AdaptiveCompressor().compress(text);
  expect(compressed?.length).toBeLessThan(text.length / 10);
  expect(decompress(compressed ?? text, header(text.length))).toEqual(text);
});

it("leaves noise as it is, and sees when it ends", () => {
  const compressor = new AdaptiveCompressor();
  for (let frame = 0; frame < 20; frame++) expect(compressor.compress(noise(100_000))).toBeUndefined();
  const tried = Array.from({ length: 9 }, () => compressor.compress(text));
  expect(tried.some((compressed) => compressed !== undefined)).toBe(true);
});

it("refuses data that unpacks to another length than announced, before unpacking it", () => {
  const bomb = zstd.compress(Buffer.alloc(64 << 20));
  expect(() => decompress(bomb, header(1000))).toThrow(/announces 1000 bytes, its zstd data 67108864/);
  expect(() => decompress(Buffer.from("this is no zstd frame at all"), header(10))).toThrow(/none/);
});
