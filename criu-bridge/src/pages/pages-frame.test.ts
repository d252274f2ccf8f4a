import { describe, expect, it } from "vitest";
import { frameHeaderBytes } from "../stream/frame.ts";
import { entryFlags, imageTypes, pageBytes } from "./page-server-protocol.ts";
import { PagesFrameBuilder, pagesHeaderBytes, readPagesFrame } from "./pages-frame.ts";

const image = { type: imageTypes.process, id: 7 };
const present = entryFlags.present | entryFlags.lazy;

/** One entry of pages filled with these bytes. */
function build(fills: number[]): Buffer {
  const builder = new PagesFrameBuilder();
  builder.begin(image);
  builder.addEntry({ address: 0x7fff_0000_0000, pages: fills.length, flags: present });
  for (const fill of fills) {
    builder.space(pageBytes).fill(fill);
    builder.filled(pageBytes);
  }
  return Buffer.from(builder.finish().subarray(frameHeaderBytes));
}

it("leaves zero pages out and says where they were", () => {
  const payload = build([0, 1, 0, 0, 2, 0]);
  const layout = readPagesFrame(payload);
  expect(layout).toMatchObject({ image, pageCount: 6, dataBytes: 2 * pageBytes });
  expect(layout.zeroRuns).toEqual([
    { first: 0, pages: 1 },
    { first: 2, pages: 2 },
    { first: 5, pages: 1 },
  ]);
  expect(layout.entries).toEqual([{ address: 0x7fff_0000_0000, pages: 6, flags: present }]);
  expect([payload[pagesHeaderBytes], payload[pagesHeaderBytes + pageBytes]]).toEqual([1, 2]);
});

it("keeps a page that only begins with zeros", () => {
  const builder = new PagesFrameBuilder();
  builder.begin(image);
  builder.addEntry({ address: pageBytes, pages: 1, flags: present });
  builder
    .space(pageBytes)
    .fill(0)
    .writeUInt8(1, pageBytes - 1);
  builder.filled(pageBytes);
  expect(readPagesFrame(builder.finish().subarray(frameHeaderBytes)).zeroRuns).toEqual([]);
});

describe("a frame is refused", () => {
  const tailAt = pagesHeaderBytes + pageBytes;
  it.each([
    ["with an unknown image type", (payload: Buffer) => payload.writeUInt32LE(9, 0), /image type 9/],
    [
      "with more entries than it holds",
      (payload: Buffer) => payload.writeUInt32LE(8000, 4),
      /too short for 8000 entries/,
    ],
    ["with more pages than data", (payload: Buffer) => payload.writeUInt32LE(3, 16), /3 pages don't fit/],
    ["with an address between pages", (payload: Buffer) => payload.writeUInt32LE(5, tailAt), /no range of memory/],
    [
      "with pages beyond all memory",
      (payload: Buffer) => payload.writeUInt32LE(0xffff_ffff, tailAt + 12),
      /no range of memory/,
    ],
    ["with pages that came before and come now", (payload: Buffer) => payload.writeUInt32LE(5, tailAt + 16), /flags 5/],
    ["that is cut", (payload: Buffer) => payload.subarray(0, 10), /cannot have 10 bytes/],
  ])("%s", (_what, damage, message) => {
    const payload = build([1]);
    const damaged = damage(payload);
    expect(() => readPagesFrame(Buffer.isBuffer(damaged) ? damaged : payload)).toThrow(message);
  });

  it("with zero runs that overlap", () => {
    const payload = build([0, 1, 0]);
    const runsAt = pagesHeaderBytes + pageBytes + 24;
    payload.writeUInt32LE(0, runsAt + 8);
    expect(() => readPagesFrame(payload)).toThrow(/zero runs/);
  });
});
