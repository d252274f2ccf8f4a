import type { Kernel } from "./kernel.ts";

/** How bad the lines are. Shares of messages. */
export interface LineFaults {
  lost: number;
  repeated: number;
  /** Held up for up to a second, so that later ones overtake it. */
  late: number;
}

const goodLines: LineFaults = { lost: 0, repeated: 0, late: 0 };

/** Who reaches whom. Names are of places: a host, a controller, the NATS server. */
export class Network {
  faults: LineFaults = goodLines;
  readonly #kernel: Kernel;
  /** `from>to`: nothing gets through that way. */
  readonly #cut = new Set<string>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
    this.faults = goodLines;
  }

  join(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`);
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  /** A message that nobody sends again. `deliver` never, once or twice. */
  carry(from: string, to: string, deliver: () => void): void {
    const { random } = this.#kernel;
    if (this.isCut(from, to) || random.chance(this.faults.lost)) return;
    this.#kernel.after(this.delayMs(), deliver);
    if (random.chance(this.faults.repeated)) this.#kernel.after(random.between(1, 3000), deliver);
  }

  delayMs(): number {
    const { random } = this.#kernel;
    return random.chance(this.faults.late) ? random.between(1, 1000) : random.between(0.2, 2);
  }
}
