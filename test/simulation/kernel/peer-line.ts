import type { Network } from "./network.ts";
import type { Process } from "./process.ts";

/** A connection that nothing gets through for so long is given up by either end. */
const stallLimitMs = 15_000;
const lookMs = 1000;

export interface LineEnd {
  process: Process;
  place: string;
}

/** One end of a connection between two programs, as TCP gives it: in order, whole, until it breaks. */
export class PeerLine {
  onMessage: (message: unknown) => void = () => {};
  readonly closed: Promise<string>;
  readonly #end: LineEnd;
  readonly #network: Network;
  readonly #close: (reason: string) => void;
  #other: PeerLine | undefined;
  #isOpen = true;
  /** What was sent last arrives then, at the earliest. */
  #notBeforeMs = 0;
  #stalledMs = 0;

  private constructor(network: Network, end: LineEnd) {
    this.#network = network;
    this.#end = end;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.closed = promise;
    this.#close = resolve;
    end.process.onEnd(() => this.#leave());
    const stop = end.process.environment.every(lookMs, () => {
      if (this.#isOpen) this.#look();
      else stop();
    });
  }

  static connect(network: Network, one: LineEnd, other: LineEnd): [PeerLine, PeerLine] {
    const a = new PeerLine(network, one);
    const b = new PeerLine(network, other);
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(message: unknown): void {
    if (this.#isOpen) this.#carry(structuredClone(message));
  }

  destroy(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#close(reason);
    this.#leave();
  }

  #carry(message: unknown): void {
    const { process, place } = this.#end;
    const other = this.#other;
    if (other === undefined || !other.#isOpen) return;
    if (this.#network.isCut(place, other.#end.place)) {
      // Sent again, by who sent it, until it arrives.
      process.after(200, () => this.#carry(message));
      return;
    }
    const nowMs = process.environment.monotonicMs();
    const atMs = Math.max(nowMs + this.#network.delayMs(), this.#notBeforeMs);
    this.#notBeforeMs = atMs + 0.001;
    other.#end.process.after(atMs - nowMs, () => {
      if (other.#isOpen) other.onMessage(message);
    });
  }

  /** This end is gone: the other hears of it, where the line allows. */
  #leave(): void {
    const other = this.#other;
    if (other === undefined || !other.#isOpen) return;
    this.#network.carry(this.#end.place, other.#end.place, () =>
      other.#end.process.after(0, () => other.destroy("the connection was closed")),
    );
  }

  #look(): void {
    const other = this.#other;
    if (other === undefined) return;
    const [here, there] = [this.#end.place, other.#end.place];
    const isStalled =
      this.#network.isCut(here, there) || this.#network.isCut(there, here) || !other.#end.process.isAlive;
    this.#stalledMs = isStalled ? this.#stalledMs + lookMs : 0;
    if (this.#stalledMs > stallLimitMs) this.destroy("nothing comes");
  }
}
