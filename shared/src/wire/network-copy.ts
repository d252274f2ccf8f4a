import { MapDigest } from "./map-digest.ts";
import type { NetworkMap, NetworkState, NetworkUpdate } from "./network.ts";

/** One version of the map, and what makes it another one. */
class Version {
  readonly map: NetworkMap = { peers: {}, servers: {} };
  readonly digest = new MapDigest();
  version = 0;

  take({ peers, servers }: Pick<NetworkUpdate, "peers" | "servers">): void {
    this.#change("peers", peers);
    this.#change("servers", servers);
  }

  #change(part: keyof NetworkMap, changes: NetworkUpdate["peers"]): void {
    const entries = this.map[part];
    for (const [name, address] of Object.entries(changes)) {
      const before = Object.hasOwn(entries, name) ? entries[name] : undefined;
      if (before === address) continue;
      if (before !== undefined) this.digest.toggle(entryText(part, name, before));
      if (address === null) delete entries[name];
      else {
        entries[name] = address;
        this.digest.toggle(entryText(part, name, address));
      }
    }
  }
}

/** A node's copy of the network map: follows it piece by piece, whatever is lost or comes twice. */
export class NetworkCopy {
  #current = new Version();
  /** What a beginning anew has brought so far. */
  #next: Version | undefined;

  constructor(kept?: NetworkMap & Pick<NetworkState, "version">) {
    if (kept === undefined) return;
    this.#current.take(kept);
    this.#current.version = kept.version;
  }

  get map(): NetworkMap {
    return this.#current.map;
  }

  /** To be said to the controller, which sends what is missing. */
  get state(): NetworkState {
    const { version, digest } = this.#next ?? this.#current;
    return { version, digest: digest.text };
  }

  /** What may be kept over a restart. */
  get kept(): NetworkMap & Pick<NetworkState, "version"> {
    return { ...this.#current.map, version: this.#current.version };
  }

  /** Whether the map may be another one now. */
  apply(update: NetworkUpdate): boolean {
    const { versions } = update;
    if (versions === undefined) {
      this.#next?.take(update);
      this.#current.take(update);
      return true;
    }
    if (versions.from === 0) this.#next = new Version();
    const taking = this.#next ?? this.#current;
    if (versions.from > taking.version || versions.to <= taking.version) return false;
    taking.take(update);
    taking.version = versions.to;
    if (this.#next === undefined) return true;
    if (!versions.isLast) return false;
    this.#current = this.#next;
    this.#next = undefined;
    return true;
  }
}

/** As both sides make the digest of it. */
export function entryText(part: keyof NetworkMap, name: string, address: string): string {
  return `${part} ${name} ${address}`;
}
