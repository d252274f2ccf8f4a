import { expect, test } from "vitest";
import { Report, stepLines } from "./report.ts";

test("puts hints below their line", () => {
  const step = { name: "user", state: "failed", detail: "not root", hint: "Run as root\nor with sudo" } as const;
  expect(stepLines(step)).toEqual(["failed   user: not root", "         > Run as root", "         > or with sudo"]);
});

test("is not ok with anything failed or missing, and knows whether anything was changed", () => {
  const report = new Report(() => undefined);
  report.add({ name: "runc", state: "changed", detail: "" });
  expect([report.ok, report.hasChanges]).toEqual([true, true]);
  report.add({ name: "criu", state: "missing", detail: "" });
  expect(report.ok).toBe(false);
});
