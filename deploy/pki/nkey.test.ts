import { expect, it } from "vitest";
import { createNkey, nkeyFromSeed } from "./nkey.ts";

it("gives the same public key for the same seed", () => {
  const key = createNkey();
  expect(key.seed).toMatch(/^SU[A-Z2-7]{56}$/);
  expect(nkeyFromSeed(`${key.seed}\n`)).toEqual(key);
});
