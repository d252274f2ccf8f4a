import type { DisruptionBudget, Drain, Migration, Node, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";
import { candidatesOf } from "../../scheduler/fleet-index.ts";
import { admitMigration } from "../migration/admit-migration.ts";
import { placedStatus, sampleBudget, sampleDrain, sampleMigration, sampleNode, sampleServer } from "../samples.ts";
import { type DrainDecision, drainStep } from "./drain-step.ts";
import type { DrainAction, DrainView } from "./drain-view.ts";
import { stoppedByAnnotation } from "./drain-view.ts";

const startMs = Date.parse("2026-01-01T00:00:00.000Z");
const tickMs = 1000;
const limits = { parallelPerFleet: 5, parallelOutboundPerNode: 4 };
export const drained = "host-1";

/** How many of a hundred seconds something goes wrong in; all 0: nothing does any more. */
interface Chaos {
  moveFails: number;
  node: number;
  server: number;
  budget: number;
  operator: number;
}

const calm: Chaos = { moveFails: 0, node: 0, server: 0, budget: 0, operator: 0 };
const unrest: Chaos = { moveFails: 8, node: 6, server: 4, budget: 4, operator: 3 };

/** A fleet in memory of which one host is drained, second by second, while hosts, servers, moves and operators do what they like. */
export class SimulatedDrain {
  readonly nodes = new Map<string, Node>();
  readonly servers = new Map<string, VirtualServer>();
  readonly migrations = new Map<string, Migration>();
  readonly budgets = new Map<string, DisruptionBudget>();
  drain: Drain;
  /** Servers that have lost the record of a move: their moves are counted anew. */
  readonly forgotten = new Set<string>();
  readonly #random: () => number;
  #chaos: Chaos = unrest;
  #earlier: Drain | undefined;
  #atMs = startMs;
  #made = 0;

  constructor(random: () => number) {
    this.#random = random;
    for (let number = 1; number <= 3 + this.#below(3); number++) this.#addNode(`host-${number}`);
    for (let number = 1; number <= 4 + this.#below(9); number++) this.#addServer(`s${number}`);
    this.drain = sampleDrain({
      metadata: { creationTimestamp: this.now },
      spec: {
        node: drained,
        maxParallel: 1 + this.#below(4),
        fallback: this.#oneOf(["wait", "cold", "stop"]),
        ...(this.#chance(30) ? { deadlineSeconds: 20 + this.#below(100) } : {}),
      },
    });
  }

  get now(): string {
    return new Date(this.#atMs).toISOString();
  }

  get isEnded(): boolean {
    return this.drain.status?.endedAt !== undefined;
  }

  get uid(): string {
    return this.drain.metadata.uid ?? "";
  }

  /** What was drained is to come back, and everything goes wrong again. */
  takeBack(): void {
    this.#chaos = unrest;
    this.#earlier = this.drain;
    const { maxParallel, fallback } = this.drain.spec;
    this.drain = sampleDrain({
      metadata: { name: "back", uid: "uid-back", creationTimestamp: this.now },
      spec: { node: drained, bringBack: true, maxParallel, fallback: fallback === "stop" ? "wait" : fallback },
    });
  }

  /** From here on nothing goes wrong, there is room, and what could not be dumped can be. */
  calmDown(): void {
    this.#chaos = calm;
    this.budgets.clear();
    for (const { metadata, spec } of this.nodes.values().toArray()) {
      this.#addNode(metadata.name);
      if (metadata.name === drained)
        this.#setCordon(drained, !this.drain.spec.bringBack && spec.unschedulable === true);
    }
    for (let number = 0; number < 3; number++) this.#addNode(`spare-${number}`);
    for (const [name, server] of this.servers) {
      const { nodeName = "" } = server.status ?? {};
      if (!this.nodes.has(nodeName)) this.#addNode(nodeName);
      this.#setStatus(name, { ...server.status, conditions: [] });
    }
  }

  /** A second passes. */
  disturb(): void {
    this.#atMs += tickMs;
    const chaos = this.#chaos;
    if (this.#chance(chaos.node)) this.#disturbNode();
    if (this.#chance(chaos.server)) this.#disturbServer();
    if (this.#chance(chaos.budget)) this.#disturbBudgets();
    if (this.#chance(chaos.operator)) this.#meddle();
    for (const migration of this.migrations.values().toArray()) this.#goOn(migration);
    for (const [name, server] of this.servers) this.#settle(name, server);
  }

  view(): DrainView {
    const fleet = {
      nodes: [...this.nodes.values()],
      servers: [...this.servers.values()],
      migrations: [...this.migrations.values()],
    };
    return {
      ...fleet,
      drain: this.drain,
      drains: [this.drain, ...(this.#earlier === undefined ? [] : [this.#earlier])],
      budgets: [...this.budgets.values()],
      candidates: candidatesOf({ ...fleet, images: [] }),
      memoryBytes: () => undefined,
      limits,
      now: this.now,
    };
  }

  decide(): DrainDecision {
    const decision = drainStep(this.view());
    for (const action of decision.actions) this.#act(action);
    this.drain = { ...this.drain, status: decision.status };
    return decision;
  }

  cancel(): void {
    this.drain = { ...this.drain, spec: { ...this.drain.spec, cancel: true } };
  }

  #act(action: DrainAction): void {
    switch (action.kind) {
      case "cordon":
      case "uncordon":
        this.#setCordon(action.node, action.kind === "cordon");
        return;
      case "cancel-move": {
        const move = this.migrations.get(action.name);
        if (move !== undefined) this.migrations.set(action.name, { ...move, spec: { ...move.spec, cancel: true } });
        return;
      }
      case "move": {
        const { name, server, targetNode, mode } = action;
        if (this.migrations.has(name)) throw new Error(`a move is called ${name} already`);
        const spec = { server, targetNode, reason: "Drain", ...(mode === undefined ? {} : { mode }) };
        const { name: owner } = this.drain.metadata;
        const ownerReferences = [{ apiVersion: "vfleet.dev/v1", kind: "Drain", name: owner, uid: this.uid }];
        const metadata = { ownerReferences, creationTimestamp: this.now };
        this.migrations.set(name, sampleMigration(name, { spec, metadata }));
        return;
      }
      case "stop": {
        const server = this.servers.get(action.server);
        if (server === undefined) return;
        const metadata = { ...server.metadata, annotations: { [stoppedByAnnotation]: this.uid } };
        this.servers.set(action.server, { ...server, metadata, spec: { ...server.spec, runStrategy: "Stopped" } });
        return;
      }
      case "start": {
        const server = this.servers.get(action.server);
        if (server === undefined) return;
        const metadata = { ...server.metadata, annotations: {} };
        this.servers.set(action.server, { ...server, metadata, spec: { ...server.spec, runStrategy: "Running" } });
      }
    }
  }

  /** A move is admitted as real ones are; then it takes its time, is committed, and cleaned up after. */
  #goOn(migration: Migration): void {
    const { name } = migration.metadata;
    const { phase = "Pending" } = migration.status ?? {};
    const server = this.servers.get(migration.spec.server);
    if (isMigrationEnded(migration)) return;
    if (phase === "Committed") {
      if (this.#chance(40)) this.#end(name, "Succeeded");
    } else if (migration.spec.cancel) {
      if (this.#chance(50)) this.#end(name, "Cancelled");
    } else if (server === undefined || this.#chance(this.#chaos.moveFails)) this.#end(name, "Failed");
    else if (phase === "Pending") this.#admit(migration, server);
    else if (this.#chance(25)) {
      const { targetNode = "", sourceNode = "" } = migration.status ?? {};
      const target = this.nodes.get(targetNode);
      if (target === undefined || server.status?.nodeName !== sourceNode) {
        this.#end(name, "Failed");
        return;
      }
      this.#setStatus(migration.spec.server, {
        ...server.status,
        nodeName: targetNode,
        phase: "Running",
        epoch: (server.status?.epoch ?? 0) + 1,
      });
      this.migrations.set(name, { ...migration, status: { ...migration.status, phase: "Committed" } });
    }
  }

  #admit(migration: Migration, server: VirtualServer): void {
    const { nodeName = "", epoch = 1 } = server.status ?? {};
    const { nodes, candidates, migrations } = this.view();
    const admitted = admitMigration({
      migration,
      server,
      owner: { uid: server.metadata.uid ?? "", node: nodeName, epoch, earlier: [] },
      migrations,
      nodes,
      candidates,
      presence: () => "alive",
      memoryBytes: undefined,
      limits,
      now: this.now,
    });
    const { name } = migration.metadata;
    if ("start" in admitted) this.migrations.set(name, { ...migration, status: admitted.start });
    else if ("refuse" in admitted) this.#end(name, "Failed");
  }

  #end(name: string, phase: "Succeeded" | "Failed" | "Cancelled"): void {
    const move = this.migrations.get(name);
    if (move === undefined) return;
    this.migrations.set(name, { ...move, status: { ...move.status, phase, endedAt: this.now, message: "as it went" } });
    // What was stopped for a move that failed has to start again.
    const status = this.servers.get(move.spec.server)?.status;
    if (phase !== "Succeeded" && move.status?.mode === "Cold")
      this.#setStatus(move.spec.server, { ...status, phase: "Starting" });
  }

  #settle(name: string, server: VirtualServer): void {
    const { spec, status } = server;
    const isHere = this.nodes.has(status?.nodeName ?? "");
    if (!isHere && status?.phase !== "Failed") this.#setStatus(name, { ...status, phase: "Unknown" });
    if (spec.runStrategy === "Stopped" && this.#chance(30)) this.#setStatus(name, { ...status, phase: "Stopped" });
    else if (spec.runStrategy === "Running" && isHere && status?.phase !== "Failed" && this.#chance(30))
      this.#setStatus(name, { ...status, phase: "Running" });
  }

  #disturbNode(): void {
    const other = this.#oneOf([...this.nodes.keys()].filter((name) => name !== drained));
    const what = this.#below(6);
    if (what === 0) this.#addNode(`new-${this.#made++}`);
    else if (other === undefined) return;
    else if (what === 1 && this.nodes.size > 2) this.nodes.delete(other);
    else if (what === 2) this.#setCordon(other, true);
    else if (what === 3) this.#setCordon(drained, false);
    else if (what === 4) this.#addNode(other);
    else this.nodes.set(other, sampleNode(other, { status: { conditions: [{ type: "Ready", status: "False" }] } }));
  }

  #disturbServer(): void {
    const name = this.#oneOf([...this.servers.keys()]);
    const status = this.servers.get(name ?? "")?.status;
    if (name === undefined) return;
    const what = this.#below(4);
    if (what === 0) this.servers.delete(name);
    else this.#setStatus(name, { ...status, phase: what === 1 ? "Failed" : "Starting" });
  }

  #disturbBudgets(): void {
    if (this.budgets.size > 0 && this.#chance(50)) {
      const [first = ""] = this.budgets.keys();
      this.budgets.delete(first);
      return;
    }
    const amount = this.#oneOf([1, 2, "30%"]) ?? 1;
    const selector = this.#chance(50) ? {} : { matchLabels: { app: "web" } };
    const name = `budget-${this.#made++}`;
    const limit = this.#chance(50) ? { maxUnavailable: amount } : { maxMoving: amount };
    this.budgets.set(name, sampleBudget(name, { selector, ...limit }));
  }

  /** Someone moves a server by hand, deletes the record of a move, or cancels one. */
  #meddle(): void {
    const server = this.#oneOf([...this.servers.keys()]);
    const move = this.migrations.get(this.#oneOf([...this.migrations.keys()]) ?? "");
    const what = this.#below(3);
    const isOpen = [...this.migrations.values()].some((open) => open.spec.server === server && !isMigrationEnded(open));
    if (what === 0 && server !== undefined && !isOpen) {
      const name = `by-hand-${this.#made++}`;
      this.migrations.set(name, sampleMigration(name, { spec: { server } }));
    } else if (what === 1 && move !== undefined && isMigrationEnded(move)) {
      this.forgotten.add(move.spec.server);
      this.migrations.delete(move.metadata.name);
    } else if (what === 2 && move !== undefined)
      this.migrations.set(move.metadata.name, { ...move, spec: { ...move.spec, cancel: true } });
  }

  #addNode(name: string): void {
    const memory = `${this.#chaos === calm ? 64 : 3 + this.#below(8)}Gi`;
    this.nodes.set(name, sampleNode(name, { status: { allocatable: { cpu: "40", memory, pods: "100" } } }));
  }

  #addServer(name: string): void {
    const isUndumpable = this.#chance(20);
    const conditions = isUndumpable ? [{ type: "Migratable", status: "False" as const, message: "io_uring" }] : [];
    const node = this.#chance(80) ? drained : "host-2";
    const memory = { memory: "1Gi" };
    const server = sampleServer(name, {
      status: placedStatus(node, { conditions }),
      spec: {
        priority: this.#below(3),
        resources: { requests: memory, limits: memory },
        ...(this.#chance(10) ? { migration: { mode: "Cold" } } : {}),
      },
      metadata: { labels: { app: this.#chance(50) ? "web" : "db" } },
    });
    this.servers.set(name, server);
  }

  #setCordon(name: string, unschedulable: boolean): void {
    const node = this.nodes.get(name);
    if (node !== undefined) this.nodes.set(name, { ...node, spec: { ...node.spec, unschedulable } });
  }

  #setStatus(name: string, status: VirtualServer["status"]): void {
    const server = this.servers.get(name);
    if (server !== undefined) this.servers.set(name, { ...server, status });
  }

  #chance(percent: number): boolean {
    return this.#random() * 100 < percent;
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #oneOf<T>(choices: readonly T[]): T | undefined {
    return choices[this.#below(choices.length)];
  }
}
