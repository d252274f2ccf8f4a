import { expect, it } from "vitest";
import { payloadLimitBytes } from "./frame.ts";
import { payloadMemory } from "./payload-memory.ts";

it("gives a block again once it is given back, and not before", () => {
  const first = payloadMemory.take();
  const second = payloadMemory.take();
  expect(first).toHaveLength(payloadLimitBytes);
  expect(second).not.toBe(first);
  payloadMemory.give(first);
  expect(payloadMemory.take()).toBe(first);
});
