import type { Environment } from "@vfleet/shared";
import type { Kernel } from "./kernel.ts";

/** 1 January 2026. */
const beginningMs = 1_767_225_600_000;

/**
 * A program that runs until it is killed, with a clock of its own. What it waits for comes back to it only while it lives; while it is
 * paused it piles up.
 */
export class Process {
  readonly name: string;
  readonly environment: Environment;
  readonly #kernel: Kernel;
  readonly #piled: (() => void)[] = [];
  readonly #onEnd = new Set<() => void>();
  #isAlive = true;
  #isPaused = false;

  constructor(kernel: Kernel, name: string, clockOffMs = 0) {
    this.#kernel = kernel;
    this.name = name;
    this.environment = {
      nowMs: () => Math.floor(beginningMs + clockOffMs + kernel.nowMs),
      monotonicMs: () => kernel.nowMs + Math.abs(clockOffMs),
      random: () => kernel.random.next(),
      id: () => kernel.random.id(),
      sleep: (ms, signal) => this.#sleep(ms, signal),
      every: (ms, callback) => this.#every(ms, callback),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#piled.length = 0;
    for (const end of this.#onEnd) end();
  }

  onEnd(callback: () => void): void {
    this.#onEnd.add(callback);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const run of this.#piled.splice(0)) this.#kernel.after(0, () => this.#enter(run));
  }

  /** In this program. */
  after(ms: number, run: () => void): void {
    this.#kernel.after(ms, () => this.#enter(run));
  }

  /** Settles in this program. */
  async answer<T>(ms: number, work: () => T | Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => this.after(ms, resolve));
    return work();
  }

  #enter(run: () => void): void {
    if (!this.#isAlive) return;
    if (this.#isPaused) this.#piled.push(run);
    else run();
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        const reason: unknown = signal?.reason;
        reject(reason instanceof Error ? reason : new Error("aborted"));
      };
      if (signal?.aborted === true) {
        abort();
        return;
      }
      signal?.addEventListener("abort", abort, { once: true });
      this.after(ms, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
    });
  }

  #every(ms: number, callback: () => void): () => void {
    let isOn = true;
    const tick = () => {
      if (!isOn) return;
      callback();
      this.after(ms, tick);
    };
    this.after(ms, tick);
    return () => {
      isOn = false;
    };
  }
}
