import { expect, it } from "vitest";
import { cpuFlags } from "./host-facts.ts";

it("reads CPU features of x86 and ARM, in order", () => {
  expect(cpuFlags("processor\t: 0\nflags\t\t: sse2 fpu\nflags\t\t: other\n")).toEqual(["fpu", "sse2"]);
  expect(cpuFlags("Features\t: fp asimd\n")).toEqual(["asimd", "fp"]);
  expect(cpuFlags("")).toEqual([]);
});
