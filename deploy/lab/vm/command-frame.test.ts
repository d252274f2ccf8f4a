import { expect, it } from "vitest";
import { frame, frameKinds, FrameReader } from "./command-frame.ts";

it("reads frames from bytes that come one at a time", () => {
  const bytes = Buffer.concat([frame(frameKinds.output, "hello"), frame(frameKinds.input)]);
  const reader = new FrameReader();
  const frames = [...bytes].flatMap((byte) => [...reader.read(Buffer.from([byte]))]);
  expect(frames.map(({ kind, body }) => [kind, body.toString()])).toEqual([
    [frameKinds.output, "hello"],
    [frameKinds.input, ""],
  ]);
});

it("reads several frames at once", () => {
  const bytes = Buffer.concat([frame(frameKinds.output, "a"), frame(frameKinds.output, "b")]);
  expect([...new FrameReader().read(bytes)].map(({ body }) => body.toString())).toEqual(["a", "b"]);
});

it("refuses a frame that would fill the memory", () => {
  const bytes = Buffer.from([frameKinds.output, 0xff, 0xff, 0xff, 0xff]);
  expect(() => [...new FrameReader().read(bytes)]).toThrow("4294967295 bytes");
});
