import { expect, test } from "vitest";
import { makeDumpable } from "./enterable-init.ts";

/** An `mm` image: start of the code, end of the code, an area of memory, dumpable. */
function imageOf(...dumpable: number[]): Buffer {
  const address = [0x80, 0x80, 0xe0, 0xaa, 0xaa, 0xaa, 0x15];
  const message = [8, ...address, 16, ...address, 14 * 8 + 2, 2, 8, 1, ...dumpable.flatMap((value) => [15 * 8, value])];
  const length = Buffer.alloc(4);
  length.writeUInt32LE(message.length);
  return Buffer.concat([Buffer.alloc(8, 0xff), length, Buffer.from(message)]);
}

test.each([0, 2])("a process with dumpable %i gets 1", (value) => {
  const image = imageOf(value);
  expect(makeDumpable(image)).toBe(true);
  expect(image).toEqual(imageOf(1));
});

test("one that is dumpable, or of which nothing is said, stays as it is", () => {
  expect(makeDumpable(imageOf(1))).toBe(false);
  expect(makeDumpable(imageOf())).toBe(false);
  expect(makeDumpable(Buffer.alloc(8))).toBe(false);
});
