import type { DrainFallback, Migration, MigrationMode, Node, VirtualServer } from "@vfleet/shared";
import { conditionOf } from "@vfleet/shared";
import type { Candidate, Demand } from "../../scheduler/placement.ts";
import { demandOf, take } from "../../scheduler/placement.ts";
import { schedule } from "../../scheduler/schedule.ts";
import { Search } from "../../scheduler/search.ts";
import { objectionToMode, unfitTargets } from "../migration/movability.ts";
import { moveWishes } from "../migration/move-wishes.ts";
import type { DrainView } from "./drain-view.ts";

/** What a drain would do about a server, were it the server's turn. */
export type Fate =
  | { kind: "move"; targetNode: string; fallback?: "cold"; why?: string }
  | { kind: "stop"; fallback: "stop"; why: string }
  | { kind: "stuck"; why: string; fallback?: "wait" | "cold" };

/** Where servers can go, and what is taken there by those whose fate is known. The candidates are not its own: it gives all back. */
export class Places {
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #candidates: readonly Candidate[];
  readonly #byName: ReadonlyMap<string, Candidate>;
  readonly #fallback: DrainFallback;
  readonly #search = new Search();
  readonly #taken: { candidate: Candidate; demand: Demand }[] = [];
  readonly #unfit = new Map<string, ReadonlyMap<string, string>>();

  constructor({ nodes, candidates, drain }: Pick<DrainView, "nodes" | "candidates" | "drain">) {
    const { node, bringBack, fallback } = drain.spec;
    this.#nodes = new Map(nodes.map((one) => [one.metadata.name, one]));
    this.#byName = new Map(candidates.map((candidate) => [candidate.name, candidate]));
    this.#candidates = bringBack ? candidates.filter(({ name }) => name === node) : candidates;
    this.#fallback = fallback;
  }

  /** Takes the room of what it moves, so that the next server sees what is left. */
  fateOf(server: VirtualServer): Fate {
    const source = this.#nodes.get(server.status?.nodeName ?? "");
    const wishes = moveWishes(server);
    let why = objectionToMode(server, wishes, source)?.message;
    // Another mode would move it as it runs: whether it may is its owner's to say, and no reason to stop it.
    if (why !== undefined && !isUndumpable(server)) return { kind: "stuck", why };
    if (why === undefined) {
      const choice = this.#choose(server, source, wishes.mode);
      if ("node" in choice) return this.#moved(server, { kind: "move", targetNode: choice.node });
      if (wishes.mode === "Cold" || !this.#isWithoutPeer(source, wishes.mode))
        return { kind: "stuck", why: choice.unschedulable };
      why = `it cannot be moved while it runs: ${choice.unschedulable}`;
    }
    if (this.#fallback === "stop") return { kind: "stop", fallback: "stop", why };
    if (this.#fallback === "wait") return { kind: "stuck", fallback: "wait", why };
    const choice = this.#choose(server, source, "Cold");
    return "node" in choice
      ? this.#moved(server, { kind: "move", targetNode: choice.node, fallback: "cold", why })
      : { kind: "stuck", fallback: "cold", why: `${why}; nor can it be started elsewhere: ${choice.unschedulable}` };
  }

  /** A move that has been made and has not begun reserves nothing by itself yet. */
  holdFor(migration: Migration, server: VirtualServer): void {
    const { targetNode } = migration.spec;
    if (targetNode !== undefined && migration.status?.targetNode === undefined) this.#take(targetNode, server);
  }

  giveBack(): void {
    for (const { candidate, demand } of this.#taken.splice(0)) take(candidate, demand, -1);
  }

  #take(node: string, server: VirtualServer): void {
    const candidate = this.#byName.get(node);
    if (candidate === undefined) return;
    const demand = demandOf(server);
    take(candidate, demand);
    this.#taken.push({ candidate, demand });
  }

  #moved(server: VirtualServer, fate: Fate & { kind: "move" }): Fate {
    this.#take(fate.targetNode, server);
    return fate;
  }

  #choose(server: VirtualServer, source: Node | undefined, mode: MigrationMode) {
    return schedule(this.#candidates, demandOf(server), this.#unfitFrom(source, mode), this.#search);
  }

  /** Whether there are hosts that are open, and none of them could take what runs on this one. */
  #isWithoutPeer(source: Node | undefined, mode: MigrationMode): boolean {
    const unfit = this.#unfitFrom(source, mode);
    const open = this.#candidates.filter(
      ({ name, ready, cordoned }) => ready && !cordoned && name !== source?.metadata.name,
    );
    return open.length > 0 && open.every(({ name }) => unfit.has(name));
  }

  #unfitFrom(source: Node | undefined, mode: MigrationMode): ReadonlyMap<string, string> {
    const key = `${source?.metadata.name ?? ""} ${mode === "Cold" ? mode : ""}`;
    const known = this.#unfit.get(key) ?? unfitTargets([...this.#nodes.values()], source, mode);
    this.#unfit.set(key, known);
    return known;
  }
}

function isUndumpable({ status }: VirtualServer): boolean {
  return conditionOf(status?.conditions, "Migratable")?.status === "False";
}
