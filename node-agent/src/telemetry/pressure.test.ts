import { expect, test } from "vitest";
import { parseStall } from "./pressure.ts";

const some = "some avg10=1.53 avg60=0.87 avg300=0.73 total=17\n";
const full = "full avg10=9.00 avg60=0.50 avg300=0.00 total=3\n";

test("reads the shares of time in which some and in which all tasks waited", () => {
  expect(parseStall(some + full)).toEqual({
    some: { avg10Percent: 1.53, avg60Percent: 0.87, totalMicroseconds: 17 },
    full: { avg10Percent: 9, avg60Percent: 0.5, totalMicroseconds: 3 },
  });
});

test("leaves out what an older kernel doesn't count", () => expect(parseStall(some)).not.toHaveProperty("full"));

test("is nothing, and not 0, where nothing can be read", () => expect(parseStall("")).toBeUndefined());
