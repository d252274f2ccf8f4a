import { setImmediate } from "node:timers/promises";
import { EventQueue } from "./event-queue.ts";
import { Random } from "./random.ts";

/** Lines of the trace that are kept for whoever looks into a failure. */
const keptLines = 400;
/** A run of more events than this goes round in a circle. */
const eventLimit = 1_000_000;

/**
 * One run: a clock that only moves when nothing is left to do, a queue of what happens when, one source of randomness. What is
 * run reads no other clock, so that a run takes milliseconds and its seed is all of it.
 */
export class Kernel {
  readonly random: Random;
  readonly #queue = new EventQueue();
  readonly #lines: string[] = [];
  #nowMs = 0;
  #number = 0;
  #events = 0;
  #digest = 0x811c9dc5;
  #failure: unknown;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The same for two runs that took the same way. */
  get digest(): string {
    return (this.#digest >>> 0).toString(16).padStart(8, "0");
  }

  get lastLines(): readonly string[] {
    return this.#lines;
  }

  get events(): number {
    return this.#events;
  }

  after(ms: number, run: () => void): void {
    this.#number += 1;
    this.#queue.push({ atMs: this.#nowMs + Math.max(0, ms), number: this.#number, run });
  }

  /** Part of the trace. */
  note(line: string): void {
    const text = `${(this.#nowMs / 1000).toFixed(3)} ${line}`;
    for (let at = 0; at < text.length; at++) this.#digest = Math.imul(this.#digest ^ text.charCodeAt(at), 0x01000193);
    this.#lines.push(text);
    if (this.#lines.length > 2 * keptLines) this.#lines.splice(0, keptLines);
  }

  /** Ends the run at once with this: an invariant is broken. */
  fail(thrown: unknown): void {
    this.#failure ??= thrown;
  }

  /** Until then, or until `isOver`. Whatever promises make of an event is done before the next one. */
  async runUntil(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      await setImmediate();
      if (this.#failure !== undefined) throw this.#failure;
      const { first } = this.#queue;
      if (first === undefined || first.atMs > untilMs || isOver()) break;
      this.#queue.shift();
      this.#events += 1;
      if (this.#events > eventLimit) throw new Error(`more than ${eventLimit} events`);
      this.#nowMs = Math.max(this.#nowMs, first.atMs);
      first.run();
    }
    if (!isOver()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}
