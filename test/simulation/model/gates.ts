import type { Gate, GateVerdict } from "@vfleet/criu-bridge/simulation";
import type { Process } from "../kernel/process.ts";

type Decide = (gate: Gate) => Promise<GateVerdict>;

interface Asked {
  gate: Gate;
  answer: (verdict: GateVerdict) => void;
}

/** CRIU's action scripts and who answers them: a script waits until somebody is there who does. */
export class Gates {
  readonly #machine: Process;
  readonly #asked = new Map<string, Asked>();
  readonly #deciders = new Map<string, Decide>();

  constructor(machine: Process) {
    this.#machine = machine;
  }

  isAsked(operation: string): boolean {
    return this.#asked.has(operation);
  }

  /** The script's side. */
  ask(operation: string, gate: Gate): Promise<GateVerdict> {
    const { promise, resolve } = Promise.withResolvers<GateVerdict>();
    const asked: Asked = {
      gate,
      answer: (verdict) => {
        if (this.#asked.get(operation) !== asked) return;
        this.#asked.delete(operation);
        this.#machine.after(1, () => resolve(verdict));
      },
    };
    this.#asked.set(operation, asked);
    this.#put(operation);
    return promise;
  }

  /** The agent's side. */
  listen(operation: string, agent: Process, decide: Decide): { close(): void } {
    this.#deciders.set(operation, decide);
    const close = () => {
      if (this.#deciders.get(operation) === decide) this.#deciders.delete(operation);
    };
    agent.onEnd(close);
    agent.after(1, () => this.#put(operation));
    return { close };
  }

  #put(operation: string): void {
    const asked = this.#asked.get(operation);
    const decide = this.#deciders.get(operation);
    if (asked === undefined || decide === undefined) return;
    decide(asked.gate).then(
      (verdict) => asked.answer(verdict),
      () => this.#machine.after(100, () => this.#put(operation)),
    );
  }
}
