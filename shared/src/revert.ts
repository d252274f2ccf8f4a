import { messageOf } from "./errors.ts";

type Undo = () => Promise<void> | void;

/**
 * Undo steps, registered beside each acquire and run last-in first-out unless `commit()` was reached.
 * A step that fails is reported and does not stop the ones below it.
 */
export class Revert {
  #steps: { what: string; undo: Undo }[] = [];

  /** Registers how to give back what was just acquired. */
  add(what: string, undo: Undo): void {
    this.#steps.push({ what, undo });
  }

  /** Keeps everything acquired so far. */
  commit(): void {
    this.#steps = [];
  }

  /** Gives everything back; returns what could not be, for the log. */
  async revert(): Promise<string[]> {
    const failures: string[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (thrown) {
        failures.push(`${step.what}: ${messageOf(thrown)}`);
      }
    }
    return failures;
  }
}
