import { expect, it } from "vitest";
import { portName } from "./port-name.ts";

it("fits into an interface name and differs between servers", () => {
  const names = ["a", "b", "0b3d1a9e-1111-4222-8333-444455556666"].map(portName);
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name).toMatch(/^vs[0-9a-f]{12}$/);
});
