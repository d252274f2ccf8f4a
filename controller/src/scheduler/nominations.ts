import type { Migration } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";

interface Nomination {
  /** From which servers are moved away for it. */
  node: string;
  /** `namespace/name` of moves that have not ended. */
  moves: Set<string>;
}

/** For whom room is being made, by preemption: what becomes free on that node is theirs until their next placing. Servers by uid. */
export class Nominations {
  readonly #byServer = new Map<string, Nomination>();

  /** `source`: where the moved server runs. The server whose nomination this changes; none: it is no such move. */
  onMigration(migration: Migration, isGone: boolean, source: string | undefined): string | undefined {
    const { metadata, spec, status } = migration;
    const owner = metadata.ownerReferences?.find(({ kind }) => kind === "VirtualServer");
    if (spec.reason !== "Preemption" || owner === undefined) return undefined;
    const move = `${metadata.namespace ?? "default"}/${metadata.name}`;
    const known = this.#byServer.get(owner.uid);
    if (isGone || isMigrationEnded(migration)) {
      known?.moves.delete(move);
      return owner.uid;
    }
    const node = status?.sourceNode ?? known?.node ?? source;
    if (node === undefined) return undefined;
    this.#byServer.set(owner.uid, { node, moves: new Set([...(known?.moves ?? []), move]) });
    return owner.uid;
  }

  nodeFor(uid: string | undefined): string | undefined {
    return this.#byServer.get(uid ?? "")?.node;
  }

  /** Moves for it that have not ended. */
  movesFor(uid: string): readonly string[] {
    return [...(this.#byServer.get(uid)?.moves ?? [])];
  }

  /** It was looked at for a place: what has not made room by then is not kept for it. Whether that ends the nomination. */
  settle(uid: string): boolean {
    const known = this.#byServer.get(uid);
    return known?.moves.size === 0 && this.#byServer.delete(uid);
  }
}
