import type { Environment, NetworkMap, NetworkState, NetworkUpdate } from "@vfleet/shared";
import type { FleetLink } from "./link.ts";
import type { NetworkPiece } from "./network-log.ts";
import { NetworkLog } from "./network-log.ts";

export interface NetworkPushOptions {
  environment: Environment;
  link: Pick<FleetLink, "tell" | "tellAll">;
  /** How many nodes hear what is told to all. */
  nodes: () => number;
  /** Above every version of every controller before. */
  firstVersion: number;
}

/** What goes to all nodes together, and what goes to those that miss something, in one second. */
const bytesPerSecond = 8_000_000;
const debounceMs = 20;
const turnMs = 250;
/** About what an entry takes as text. */
const entryBytes = 40;
const entriesPerPieceMin = 20;
const entriesPerPieceMax = 10_000;
/** A node that says less than what all were told so long ago has missed it. */
const missedMs = 2000;

interface Feed {
  /** Up to this version it was sent to the node, and when last. */
  sent: number;
  atMs: number;
  /** From here on it hears what all are told. */
  isDone: boolean;
}

/**
 * Tells all nodes where everything is. Each change is told once, to all; a node whose reports say that it has missed one is sent what it
 * misses, in pieces, and all of it only where it has nothing of this controller's. As large as the fleet for every node, so there is a limit to it.
 */
export class NetworkPush {
  readonly #options: NetworkPushOptions;
  readonly #log: NetworkLog;
  readonly #feeds = new Map<string, Feed>();
  /** Up to which version all were told, and when; the oldest one is the last that everyone must have by now. */
  #told: { version: number; atMs: number }[] = [];
  #isTelling = false;
  #isFeeding = false;
  #notBeforeMs = 0;
  #closed = false;

  constructor(options: NetworkPushOptions) {
    this.#options = options;
    this.#log = new NetworkLog(options.firstVersion);
  }

  set(part: keyof NetworkMap, name: string, address: string | undefined): void {
    if (this.#log.set(part, name, address)) this.#tellSoon();
  }

  /** A client waits for it: all are told at once, whatever else they have yet to be told. */
  setUrgently(part: keyof NetworkMap, name: string, address: string | undefined): void {
    if (!this.#log.set(part, name, address)) return;
    const change = { [name]: address ?? null };
    this.#tellAll({ peers: {}, servers: {}, [part]: change });
    this.#tellSoon();
  }

  /** The node's word on what it has. */
  hear(node: string, { version, digest }: NetworkState): void {
    const head = this.#told.at(-1)?.version;
    if (head === undefined) return;
    const isKnown = this.#log.isKnown(version);
    const nowMs = this.#options.environment.monotonicMs();
    const feed = this.#feeds.get(node);
    if (feed !== undefined && nowMs - feed.atMs < missedMs && version < head) return;
    this.#feeds.delete(node);
    if (isKnown && version >= this.#everyoneHas(nowMs)) return;
    if (!isKnown && version !== 0 && digest === this.#log.digest) {
      // What an earlier controller told it is all there is.
      const versions = { from: version, to: this.#log.version, isLast: true };
      this.#tell(node, JSON.stringify({ versions, peers: {}, servers: {} } satisfies NetworkUpdate));
      return;
    }
    this.#feeds.set(node, { sent: isKnown ? version : 0, atMs: nowMs, isDone: false });
    this.#feedSoon(0);
  }

  close(): void {
    this.#closed = true;
  }

  #everyoneHas(nowMs: number): number {
    const old = this.#told.findLastIndex(({ atMs }) => nowMs - atMs > missedMs);
    if (old > 0) this.#told = this.#told.slice(old);
    return old === -1 ? 0 : (this.#told[0]?.version ?? 0);
  }

  #tellSoon(): void {
    const { environment } = this.#options;
    if (this.#isTelling) return;
    this.#isTelling = true;
    const waitMs = Math.max(debounceMs, this.#notBeforeMs - environment.monotonicMs());
    void environment.sleep(waitMs).then(() => {
      this.#isTelling = false;
      if (!this.#closed) this.#tellNext();
    });
  }

  #tellNext(): void {
    const { environment, nodes } = this.#options;
    const nowMs = environment.monotonicMs();
    const from = this.#told.at(-1)?.version;
    if (from === undefined) {
      // Nobody has anything of this log yet: each node is sent all of it when it says what it has.
      this.#told.push({ version: this.#log.version, atMs: nowMs });
      return;
    }
    const entries = Math.floor(bytesPerSecond / entryBytes / Math.max(1, nodes()));
    const piece = this.#log.since(from, Math.min(entriesPerPieceMax, Math.max(entriesPerPieceMin, entries)));
    const bytes = this.#tellAll(updateOf(from, piece, true));
    this.#notBeforeMs = nowMs + (1000 * bytes * nodes()) / bytesPerSecond;
    this.#told.push({ version: piece.to, atMs: nowMs });
    this.#everyoneHas(nowMs);
    if (piece.to < this.#log.version) this.#tellSoon();
  }

  #tellAll(update: NetworkUpdate): number {
    const text = JSON.stringify(update);
    this.#options.link.tellAll(text);
    return text.length;
  }

  #feedSoon(waitMs: number): void {
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    void this.#options.environment.sleep(waitMs).then(() => {
      this.#isFeeding = false;
      if (!this.#closed) this.#feedNext();
    });
  }

  /** As many nodes as the turn allows, each its next piece; the next turn begins with the others. */
  #feedNext(): void {
    const nowMs = this.#options.environment.monotonicMs();
    const head = this.#told.at(-1)?.version ?? 0;
    const pieces = new Map<number, { text: string; to: number }>();
    let left = (bytesPerSecond * turnMs) / 1000;
    const waiting = [...this.#feeds].filter(([, { isDone }]) => !isDone);
    for (const [node, feed] of waiting) {
      if (left <= 0) break;
      const known = pieces.get(feed.sent) ?? this.#pieceFor(feed.sent, head);
      pieces.set(feed.sent, known);
      this.#tell(node, known.text);
      left -= known.text.length;
      this.#feeds.delete(node);
      this.#feeds.set(node, { sent: known.to, atMs: nowMs, isDone: known.to >= head });
    }
    if (this.#feeds.values().some(({ isDone }) => !isDone)) this.#feedSoon(turnMs);
  }

  #pieceFor(from: number, head: number): { text: string; to: number } {
    const piece = this.#log.since(from, entriesPerPieceMax);
    return { text: JSON.stringify(updateOf(from, piece, piece.to >= head)), to: piece.to };
  }

  #tell(node: string, update: string): void {
    this.#options.link.tell(node, `{"kind":"network","update":${update}}`);
  }
}

function updateOf(from: number, { to, peers, servers }: NetworkPiece, isLast: boolean): NetworkUpdate {
  return { versions: { from, to, isLast }, peers, servers };
}
