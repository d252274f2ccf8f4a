import { expect, it } from "vitest";
import { parsePressure } from "./pressure.ts";

it("reads the share of the last 10 s in which some task waited", () => {
  expect(
    parsePressure("some avg10=1.53 avg60=0.87 avg300=0.73 total=1\nfull avg10=9.00 avg60=0 avg300=0 total=1\n"),
  ).toBe(1.53);
  expect(parsePressure("")).toBe(0);
});
