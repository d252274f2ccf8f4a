import { messageOf } from "@vfleet/shared";
import { fail } from "../errors.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import type { TargetVolume } from "./ports.ts";
import type { Timeline } from "./timeline.ts";
import { VolumeReceiver } from "./volume-channel.ts";

export interface TargetRoundsOptions {
  server: string;
  volume: TargetVolume;
  timeline: Timeline;
  /** The target has this round whole. */
  received(round: number): Promise<void>;
  failed(thrown: unknown): void;
}

/** Rounds of the volume, as they come; that of the frozen server is put in its place. */
export class TargetRounds {
  readonly #options: TargetRoundsOptions;
  readonly #receiver = new VolumeReceiver();
  #settled: Promise<void> = Promise.resolve();
  #ready: Promise<void> | undefined;

  constructor(options: TargetRoundsOptions) {
    this.#options = options;
  }

  /** Of all rounds. */
  get bytes(): number {
    return this.#receiver.bytes;
  }

  /** Resolves when the volume of the frozen server stands in its place; none was announced so far where it is undefined. */
  get ready(): Promise<void> | undefined {
    return this.#ready;
  }

  begin(round: number, frozen: boolean): void {
    const stream = this.#receiver.begin();
    const { server, volume, timeline } = this.#options;
    const received = timeline
      .measure(frozen ? "volume-delta" : `volume-round-${round}`, () => volume.receive(stream))
      .then(() => this.#options.received(round));
    received.catch((thrown: unknown) =>
      this.#options.failed(fail("volume-failed", { server, reason: messageOf(thrown) }, { cause: thrown })),
    );
    this.#settled = received.catch(() => {});
    if (!frozen) return;
    // Beside the memory, which still arrives.
    this.#ready = received.then(() => timeline.measure("volume-activate", () => volume.activate()));
    this.#ready.catch((thrown: unknown) => this.#options.failed(thrown));
  }

  take(frame: ReceivedFrame): Promise<void> | undefined {
    return this.#receiver.take(frame);
  }

  /** Tells the receiver of a round under way that no more comes. */
  abandon(reason: Error): void {
    this.#receiver.abandon(reason);
  }

  /** Resolves when nothing is received or put in its place any more, whatever came of it. */
  async settled(): Promise<void> {
    await this.#settled;
    await this.#ready?.catch(() => {});
  }
}
