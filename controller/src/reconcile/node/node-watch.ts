import type { Environment } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";

export interface NodeWatchOptions {
  environment: Environment;
  /** Of every node that joined or was heard of. */
  nodes: () => Iterable<string>;
  presence: (node: string) => Presence;
  /** It fell silent, was heard of again, or is to be written down as heard of. */
  onLook: (node: string) => void;
  /** It is heard of again, maybe before it was written down as lost. */
  onReturn: (node: string) => void;
}

/** How often silence is looked for. */
const lookMs = 500;
/** Heartbeats that are written down per look; in a larger fleet each has its turn less often. */
const heartbeatsPerLook = 100;

/** Nobody says that a node is silent: this looks at all of them, and has only those looked at closer of which there is news. */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  readonly #presences = new Map<string, Presence>();
  readonly #stop: () => void;
  #turns: Iterator<string> = [].values();

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.#stop = options.environment.every(lookMs, () => this.#look());
  }

  /** A report that says nothing new still says that the node is there. */
  heard(node: string): void {
    if (this.#presences.get(node) !== "alive") this.#see(node);
  }

  close(): void {
    this.#stop();
  }

  #look(): void {
    const nodes = new Set(this.#options.nodes());
    for (const node of nodes) this.#see(node);
    for (const node of this.#presences.keys()) if (!nodes.has(node)) this.#presences.delete(node);
    for (let turn = 0; turn < Math.min(heartbeatsPerLook, nodes.size); turn++) {
      let next = this.#turns.next();
      if (next.done === true) {
        this.#turns = nodes.values();
        next = this.#turns.next();
      }
      if (next.done !== true && this.#presences.get(next.value) === "alive") this.#options.onLook(next.value);
    }
  }

  #see(node: string): void {
    const presence = this.#options.presence(node);
    const before = this.#presences.get(node);
    if (before === presence) return;
    this.#presences.set(node, presence);
    this.#options.onLook(node);
    if (before === "lost") this.#options.onReturn(node);
  }
}
