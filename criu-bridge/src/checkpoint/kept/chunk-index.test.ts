import { expect, it } from "vitest";
import { readChunkIndex, writeChunkIndex } from "./chunk-index.ts";

const chunk = (digit: string, plainBytes: number) => ({
  id: digit.repeat(64),
  plainBytes,
  storedBytes: plainBytes + 9,
  crc32: 0xffff_fff0,
});
const index = new Map([
  ["checkpoint/pages-1.img", [chunk("a", 4096), chunk("0", 262_144)]],
  ["checkpoint/pages-2.img", []],
  ["checkpoint/tmpfs-1.img", [chunk("f", 1)]],
]);

it("is read as it was written", () => {
  expect(readChunkIndex(writeChunkIndex(index))).toEqual(index);
  expect(readChunkIndex(Buffer.alloc(0))).toEqual(new Map());
});

it("is refused where it ends within a member", () => {
  const data = writeChunkIndex(index);
  const ends = Array.from({ length: data.length }, (_, bytes) => outcomeOf(data, bytes));
  // Where it ends between two members it can't know; the manifest has its digest.
  expect(ends.filter((outcome) => outcome !== "RangeError")).toEqual(["0 members", "1 members", "2 members"]);
});

function outcomeOf(data: Buffer, bytes: number): string {
  try {
    return `${readChunkIndex(data.subarray(0, bytes)).size} members`;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.constructor.name : "";
  }
}
