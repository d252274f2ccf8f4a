import { expect, it } from "vitest";
import { Pacer } from "./pacer.ts";

/** Passes only when somebody sleeps. */
function clock() {
  let nowMs = 1_000_000;
  return {
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
}

it("keeps the rate over a while, whatever the sizes", async () => {
  const environment = clock();
  const pacer = new Pacer(environment, 10_000_000);
  const startMs = environment.monotonicMs();
  for (let sent = 0; sent < 50_000_000; sent += 250_000) {
    await pacer.turn();
    pacer.spend(250_000);
  }
  const tookMs = environment.monotonicMs() - startMs;
  expect(tookMs).toBeGreaterThan(4_850);
  expect(tookMs).toBeLessThanOrEqual(5_000);
});

it("saves no more than a moment's worth while nothing leaves", async () => {
  const environment = clock();
  const pacer = new Pacer(environment, 1_000_000);
  await environment.sleep(60_000);
  pacer.spend(1_000_000);
  const startMs = environment.monotonicMs();
  await pacer.turn();
  expect(environment.monotonicMs() - startMs).toBeCloseTo(950);
});

it("lets everything pass without a rate", async () => {
  const environment = clock();
  const pacer = new Pacer(environment, undefined);
  pacer.spend(1e12);
  const startMs = environment.monotonicMs();
  await pacer.turn();
  expect(environment.monotonicMs()).toBe(startMs);
});
