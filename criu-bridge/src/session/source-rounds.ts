import type { FrameConnection } from "../stream/frame-connection.ts";
import { judgeRounds, type EndedRound, type RoundLimits } from "./convergence.ts";
import type { MemoryRounds } from "./memory-source.ts";
import type { Message } from "./messages.ts";
import type { SourceVolume } from "./ports.ts";
import type { SessionHost } from "./session-options.ts";
import type { SessionRun } from "./session-run.ts";
import type { SourceEvent } from "./source-machine.ts";
import { VolumeSender } from "./volume-sender.ts";

export interface SourceRoundsOptions {
  host: SessionHost;
  run: SessionRun;
  volume: SourceVolume;
  limits: RoundLimits & { allowPostCopy: boolean };
  connection: () => FrameConnection;
  send(message: Message): Promise<void>;
}

/** Rounds of the volume, and of memory where it goes in rounds, while the server runs; and the frozen server's delta. */
export class SourceRounds {
  readonly #options: SourceRoundsOptions;
  readonly #volume: VolumeSender;
  readonly #memory: EndedRound[] = [];
  readonly #abandoned = new AbortController();
  #dumped: Promise<unknown> = Promise.resolve();
  #targetHas: string | undefined;

  constructor(options: SourceRoundsOptions) {
    this.#options = options;
    this.#volume = new VolumeSender((message) => options.send(message));
  }

  /** Those of memory that have ended. */
  get memory(): readonly EndedRound[] {
    return this.#memory;
  }

  get volumeBytes(): number {
    return this.#volume.bytes;
  }

  /** Resolves when CRIU has let the tasks go. */
  get dumped(): Promise<unknown> {
    return this.#dumped;
  }

  /** What need not be sent. */
  targetHas(base: string | undefined): void {
    this.#targetHas = base;
  }

  /** The target has the round of the volume that was sent last. */
  heard(): void {
    this.#volume.heard();
  }

  async send(round: number, memory: MemoryRounds | undefined): Promise<SourceEvent & { type: "round-received" }> {
    const { run, volume, connection, limits } = this.#options;
    const bytes = await run.timeline.measure(`volume-round-${round}`, async () => {
      const stream = await volume.sendRound(round, this.#targetHas);
      return this.#volume.send(connection(), stream, { round, frozen: false });
    });
    if (memory === undefined) return { type: "round-received", bytes };
    await this.#sendMemory(memory, round);
    const { allowPostCopy } = limits;
    return { type: "round-received", bytes, memory: judgeRounds(this.#memory, limits), allowPostCopy };
  }

  async sendDelta(): Promise<void> {
    const { run, volume, connection } = this.#options;
    await run.timeline.measure("volume-delta", async () => {
      const stream = await volume.sendFrozen();
      return this.#volume.send(connection(), stream, { round: 0, frozen: true });
    });
  }

  /** Ends the one under way, and any later one. Resolves when no snapshot is being read any more. */
  abandon(reason: Error): Promise<void> {
    this.#abandoned.abort(reason);
    return this.#volume.abandon(reason);
  }

  async #sendMemory(memory: MemoryRounds, round: number): Promise<void> {
    const { host, run } = this.#options;
    await host.failpoints.reach("migration.source.round", this.#abandoned.signal);
    const startMs = host.environment.monotonicMs();
    const sent = run.timeline.measure(`memory-round-${round}`, () => memory.send(round));
    this.#dumped = sent.catch(() => {});
    const { pages } = await sent;
    this.#memory.push({ pages, startMs, endMs: host.environment.monotonicMs() });
  }
}
