import { expect, test } from "vitest";
import { meets, sysctlFileText } from "./sysctl.ts";

const atLeast = { key: "fs.pipe-max-size", value: 100, rule: "minimum", why: "larger pipes" } as const;
const exactly = { key: "fs.pipe-user-pages-soft", value: 0, rule: "exact", why: "no limit" } as const;

test("is content with more than the minimum, and only with the exact value where that is the rule", () => {
  expect(meets({ ...atLeast, current: 200 })).toBe(true);
  expect(meets({ ...atLeast, current: 50 })).toBe(false);
  expect(meets({ ...exactly, current: 16_384 })).toBe(false);
  expect(meets({ ...exactly, current: undefined })).toBe(true);
});

test("writes no value lower than the machine has, and none that the kernel lacks", () => {
  const text = sysctlFileText([
    { ...atLeast, current: 200 },
    { ...exactly, current: undefined },
  ]);
  expect(text).toContain("fs.pipe-max-size = 200\n");
  expect(text).not.toContain("fs.pipe-user-pages-soft");
});
