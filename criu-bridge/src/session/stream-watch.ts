import type { Environment } from "@vfleet/shared";
import { channels } from "../stream/frame.ts";
import type { FrameConnection } from "../stream/frame-connection.ts";
import { encodeMessage } from "./messages.ts";
import type { SessionPhase } from "./session-report.ts";

/** Frozen, a server isn't kept waiting for a target that takes nothing. */
const frozenStallLimitMs = 15_000;
/** A target that takes nothing any more isn't waited for. */
const farewellLimitMs = 250;

export interface StreamState {
  /** Sent so far. */
  wireBytes: number;
  /** It has not taken yet what is there for it, or owes a word: what takes long otherwise is the source's own work. */
  isTargetsTurn: boolean;
}

/** Sees that a stream stands still: a target that was cut off without a word doesn't close the connection. */
export class StreamWatch {
  readonly #environment: Pick<Environment, "monotonicMs">;
  readonly #limitMs: number;
  #wireBytes = 0;
  #movedMs: number;
  #ownTurnMs = 0;
  #isReceived = false;

  /** `limitMs`: while the server runs. */
  constructor(environment: Pick<Environment, "monotonicMs">, limitMs = Infinity) {
    this.#environment = environment;
    this.#limitMs = limitMs;
    this.#movedMs = environment.monotonicMs();
  }

  /** Anything came from the target. */
  heard(): void {
    this.#movedMs = this.#environment.monotonicMs();
  }

  /** The target has everything; restoring has a limit of its own. */
  received(): void {
    this.#isReceived = true;
  }

  /** The limit that is passed; none: all is well. */
  passedLimitMs(phase: SessionPhase, { wireBytes, isTargetsTurn }: StreamState): number | undefined {
    const isFrozen = phase === "frozen";
    if (!isFrozen && phase !== "preparing" && phase !== "syncing") return undefined;
    const nowMs = this.#environment.monotonicMs();
    if (wireBytes !== this.#wireBytes) this.heard();
    this.#wireBytes = wireBytes;
    if (!isTargetsTurn) this.#ownTurnMs = nowMs;
    if (this.#isReceived) return undefined;
    if (nowMs - this.#movedMs > this.#limitMs) return this.#limitMs;
    const waitedMs = nowMs - Math.max(this.#movedMs, this.#ownTurnMs);
    return isFrozen && waitedMs > frozenStallLimitMs ? frozenStallLimitMs : undefined;
  }
}

/** Tells the target that the move is off, if it still listens; elsewhere the controller tells it. */
export async function sayAborted(
  connection: FrameConnection | undefined,
  reason: string,
  waits: (ms: number) => Promise<boolean>,
): Promise<void> {
  if (connection === undefined) return;
  const said = connection.send(channels.control, encodeMessage({ type: "aborted", reason: reason.slice(0, 4096) }));
  const isSaid = said.then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([isSaid, waits(farewellLimitMs).then(() => false)]))) connection.destroy();
}
