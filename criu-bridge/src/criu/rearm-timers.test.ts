import { expect, test } from "vitest";
import { rearmTimersIn } from "./rearm-timers.ts";

interface Timer {
  left: number;
  interval: number;
  type?: number;
}

/** A `files` image with a timer descriptor each: type, id; id, flags, owner, clock, ticks, settime flags, time left, interval. */
function imageOf(...timers: Timer[]): Buffer {
  const messages = timers.map(({ left, interval, type = 17 }) => {
    const timer = [8, 1, 16, 2, 26, 2, 8, 0, 32, 1, 40, 1, 48, 0, 56, 0, 64, left, 72, 0, 80, interval];
    return Buffer.from([8, type, 16, 0xac, 0x02, 12 * 8 + 2, timer.length, ...timer]);
  });
  const withLengths = messages.flatMap((message) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(message.length);
    return [length, message];
  });
  return Buffer.concat([Buffer.alloc(8, 0xff), ...withLengths]);
}

test("a periodic timer without time left fires at once", () => {
  const image = imageOf({ left: 5, interval: 9 }, { left: 0, interval: 9 });
  expect(rearmTimersIn(image)).toBe(1);
  expect(image).toEqual(imageOf({ left: 5, interval: 9 }, { left: 1, interval: 9 }));
});

test("a timer that runs, one that fires once and is done, and other files are left alone", () => {
  const image = imageOf({ left: 5, interval: 9 }, { left: 0, interval: 0 }, { left: 0, interval: 9, type: 6 });
  const before = Buffer.from(image);
  expect(rearmTimersIn(image)).toBe(0);
  expect(image).toEqual(before);
});

test("an image without files is no trouble", () => {
  expect(rearmTimersIn(Buffer.alloc(8))).toBe(0);
});
