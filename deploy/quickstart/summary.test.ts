import { expect, test } from "vitest";
import { summaryLines } from "./summary.ts";

const result = {
  connectionKept: true,
  writesLost: 0,
  longestPauseMs: 812.4,
  totalMs: 5200,
  wireBytes: 100 << 20,
  memoryBytes: 300 << 20,
  from: "host-1",
  to: "host-2",
};

test("says what the client saw, in a person's units", () => {
  const text = summaryLines(result, 1234).join("\n");
  expect(text).toContain("kept: the same TCP connection");
  expect(text).toContain("0 of 1234 answered");
  expect(text).toContain("812 ms");
  expect(text).toContain("300 MiB of memory as 100 MiB on the wire, in 5.2 s");
  expect(text).toContain("host-2 (was on host-1)");
});

test("does not hide a lost connection", () => {
  expect(summaryLines({ ...result, connectionKept: false }, 1).join("\n")).toContain("LOST");
});
