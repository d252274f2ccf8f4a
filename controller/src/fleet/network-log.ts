import type { NetworkMap, NetworkUpdate } from "@vfleet/shared";
import { entryText, MapDigest } from "@vfleet/shared";

interface Entry {
  part: keyof NetworkMap;
  name: string;
  /** None: gone. */
  address: string | null;
  version: number;
  /** It has changed since. */
  isOld: boolean;
}

export type NetworkPiece = Pick<NetworkUpdate, "peers" | "servers"> & { to: number };

/** Old entries kept at least before they are taken out. */
const oldMin = 4096;

/** The network map in the order in which it has changed: what a node misses is what has changed since the version it has. */
export class NetworkLog {
  readonly #first: number;
  readonly #entries = new Map<string, Entry>();
  readonly #digest = new MapDigest();
  #order: Entry[] = [];
  #old = 0;
  #version: number;

  /** `first`: below every version of this log, above every one of those before it. */
  constructor(first: number) {
    this.#first = first;
    this.#version = first;
  }

  get version(): number {
    return this.#version;
  }

  get digest(): string {
    return this.#digest.text;
  }

  /** Whether it is one of this log. */
  isKnown(version: number): boolean {
    return version >= this.#first && version <= this.#version;
  }

  /** Whether that is a change. */
  set(part: keyof NetworkMap, name: string, address: string | undefined): boolean {
    const key = `${part} ${name}`;
    const before = this.#entries.get(key);
    if ((before?.address ?? null) === (address ?? null)) return false;
    if (before !== undefined) {
      before.isOld = true;
      this.#old++;
      if (before.address !== null) this.#digest.toggle(entryText(part, name, before.address));
    }
    if (address !== undefined) this.#digest.toggle(entryText(part, name, address));
    const entry: Entry = { part, name, address: address ?? null, version: ++this.#version, isOld: false };
    this.#entries.set(key, entry);
    this.#order.push(entry);
    if (this.#old > oldMin && this.#old > this.#order.length / 2) {
      this.#order = this.#order.filter(({ isOld }) => !isOld);
      this.#old = 0;
    }
    return true;
  }

  /** The first changes after a version, at most so many; 0: everything there is, from its beginning. */
  since(version: number, entriesMax: number): NetworkPiece {
    const piece: NetworkPiece = { peers: {}, servers: {}, to: this.#version };
    let taken = 0;
    for (let index = this.#indexAfter(version); index < this.#order.length; index++) {
      const entry = this.#order[index];
      if (entry === undefined || entry.isOld || (version === 0 && entry.address === null)) continue;
      if (taken === entriesMax) {
        piece.to = entry.version - 1;
        break;
      }
      taken++;
      piece[entry.part][entry.name] = entry.address;
    }
    return piece;
  }

  #indexAfter(version: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle]?.version ?? 0) > version) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
