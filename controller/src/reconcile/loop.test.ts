import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLogger, systemEnvironment } from "@vfleet/shared";
import { ReconcileLoop } from "./loop.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function loop(reconcile: (key: string) => Promise<number | void>, parallel = 2): ReconcileLoop {
  return new ReconcileLoop({
    name: "test",
    environment: systemEnvironment,
    log: createLogger("test", "silent"),
    parallel,
    reconcile,
  });
}

describe("ReconcileLoop", () => {
  test("never works on one key twice at a time, and looks once more at what changed meanwhile", async () => {
    const gates: (() => void)[] = [];
    const work = vi.fn(() => new Promise<void>((resolve) => gates.push(resolve)));
    const queue = loop(work);
    for (let count = 0; count < 5; count++) queue.enqueue("a");
    expect(work).toHaveBeenCalledTimes(1);
    gates.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(work).toHaveBeenCalledTimes(2);
    gates.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(work).toHaveBeenCalledTimes(2);
  });

  test("bounds what is worked on at a time", () => {
    const work = vi.fn(() => new Promise<void>(() => undefined));
    const queue = loop(work, 2);
    for (const key of ["a", "b", "c"]) queue.enqueue(key);
    expect(work.mock.calls).toEqual([["a"], ["b"]]);
  });

  test("retries what failed with growing pauses, and begins anew after a success", async () => {
    let isBroken = true;
    const work = vi.fn(async () => {
      if (isBroken) throw new Error("broken");
    });
    const queue = loop(work);
    queue.enqueue("a");
    await vi.advanceTimersByTimeAsync(99);
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(work).toHaveBeenCalledTimes(3);
    isBroken = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(work).toHaveBeenCalledTimes(4);
  });

  test("looks again when asked to, at the earliest of several times", async () => {
    const work = vi.fn(async () => undefined);
    const queue = loop(work);
    queue.enqueueAfter("a", 1000);
    queue.enqueueAfter("a", 100);
    queue.enqueueAfter("a", 500);
    await vi.advanceTimersByTimeAsync(100);
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(work).toHaveBeenCalledTimes(1);
  });

  test("starts nothing after it was closed", async () => {
    const work = vi.fn(async () => 10);
    const queue = loop(work);
    queue.enqueue("a");
    await vi.advanceTimersByTimeAsync(0);
    await queue.close();
    queue.enqueue("b");
    await vi.advanceTimersByTimeAsync(1000);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
