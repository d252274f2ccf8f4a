import { expect, it } from "vitest";
import { statMember } from "./cgroup-usage.ts";

it("reads one line of a statistics file, and nothing where it isn't", () => {
  const text = "inactive_file 7\ntotal_inactive_file 11\n";
  expect([
    statMember(text, "inactive_file"),
    statMember(text, "total_inactive_file"),
    statMember(text, "usage_usec"),
    statMember(undefined, "x"),
  ]).toEqual([7, 11, 0, 0]);
});
