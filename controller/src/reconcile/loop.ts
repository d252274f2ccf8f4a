import type { Environment, Logger } from "@vfleet/shared";
import { messageOf } from "@vfleet/shared";

export interface ReconcileLoopOptions {
  name: string;
  environment: Environment;
  log: Logger;
  /** Keys worked on at a time; one key never twice at a time. */
  parallel: number;
  /** Looks at a key and does what is needed. A number: look again after so many milliseconds. */
  reconcile: (key: string) => Promise<number | void>;
}

const backOffFirstMs = 100;
const backOffMaxMs = 10_000;

/**
 * A queue of keys to look at. A key enqueued while it is worked on is looked at once more; one that failed is retried
 * with growing pauses. What is enqueued is only the name of what changed: everything else is read when it is looked at.
 */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #queue = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, number>();
  readonly #later = new Map<string, { dueMs: number; abort: AbortController }>();
  #closed = false;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
  }

  enqueue(key: string): void {
    if (this.#closed) return;
    this.#queue.add(key);
    this.#fill();
  }

  /** Looks at it after `delayMs`, or sooner where that was asked for. */
  enqueueAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    const { environment } = this.#options;
    const dueMs = environment.monotonicMs() + delayMs;
    const waiting = this.#later.get(key);
    if (waiting !== undefined && waiting.dueMs <= dueMs) return;
    waiting?.abort.abort();
    const abort = new AbortController();
    this.#later.set(key, { dueMs, abort });
    environment.sleep(delayMs, abort.signal).then(
      () => {
        this.#later.delete(key);
        this.enqueue(key);
      },
      () => undefined,
    );
  }

  /** Starts nothing more and resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.clear();
    for (const { abort } of this.#later.values()) abort.abort();
    this.#later.clear();
    await Promise.allSettled(this.#running.values());
  }

  #fill(): void {
    for (const key of this.#queue) {
      if (this.#running.size >= this.#options.parallel) return;
      if (this.#running.has(key)) continue;
      this.#queue.delete(key);
      this.#running.set(key, this.#work(key));
    }
  }

  async #work(key: string): Promise<void> {
    const { log, name, reconcile } = this.#options;
    try {
      const againMs = await reconcile(key);
      this.#failures.delete(key);
      if (typeof againMs === "number") this.enqueueAfter(key, againMs);
    } catch (thrown) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const delayMs = Math.min(backOffMaxMs, backOffFirstMs * 2 ** (failures - 1));
      log.warn({ loop: name, key, failures, error: messageOf(thrown) }, "reconcile failed");
      this.enqueueAfter(key, delayMs);
    } finally {
      this.#running.delete(key);
      this.#fill();
    }
  }
}
