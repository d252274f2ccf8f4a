import { expect, it } from "vitest";
import { backOffMs } from "./back-off.ts";

it("doubles from one second and stops at a minute", () => {
  expect([0, 1, 2, 3, 6, 7, 100].map(backOffMs)).toEqual([0, 1000, 2000, 4000, 32_000, 60_000, 60_000]);
});
