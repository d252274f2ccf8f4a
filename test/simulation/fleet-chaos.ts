import {
  isMigrationEnded,
  migrationKind,
  virtualServerKind,
  type ApiObject,
  type Kind,
  type VirtualServer,
} from "@vfleet/shared";
import type { FleetWorld } from "./fleet-world.ts";

const modes = ["StopAndCopy", "StopAndCopy", "Precopy", "Postcopy", "Hybrid", "Cold", "Auto"] as const;
const namespace = "default";
const shareOfShortFaults = { usually: 0.8, withLongFaults: 0.5 };

/** Makes an object as `kubectl apply` does; what is refused or not answered stays so. */
export function make<T extends ApiObject>(world: FleetWorld, kind: Kind<T>, object: Record<string, unknown>): void {
  const apiVersion = kind.group === "" ? "v1" : `${kind.group}/v1`;
  world.store?.create(kind, kind.schema.parse({ apiVersion, kind: kind.kind, ...object })).catch(() => undefined);
}

export function makeServer(world: FleetWorld, name: string): void {
  const onNodeLoss = world.hasFailover && world.kernel.random.chance(0.6) ? "Restart" : "Wait";
  make(world, virtualServerKind, {
    metadata: { namespace, name },
    spec: { image: "debian", availability: { onNodeLoss } },
  });
}

/** Random things that users do and that go wrong, one after the other until `untilMs`. */
export class FleetChaos {
  readonly #world: FleetWorld;
  readonly #untilMs: number;
  #made = 0;

  constructor(world: FleetWorld, untilMs: number) {
    this.#world = world;
    this.#untilMs = untilMs;
    const { random } = world.kernel;
    world.network.faults = {
      lost: random.chance(0.5) ? random.between(0, 0.3) : 0,
      repeated: random.between(0, 0.1),
      late: random.between(0, 0.2),
    };
    for (const bucket of Object.values(world.buckets))
      bucket.faults = { requestLost: random.between(0, 0.05), answerLost: random.between(0, 0.1), isDown: false };
    this.#often(3000, () => this.#use());
    this.#often(random.between(2000, 10_000), () => this.#break());
    // Of two that write at once one must lose: where a commit is near, a cancel races it.
    if (!world.buckets.ownership.compares) this.#often(300, () => this.#cancel("Freezing"));
  }

  #often(everyMs: number, work: () => void): void {
    const { kernel } = this.#world;
    kernel.after(kernel.random.between(0, 2 * everyMs), () => {
      if (kernel.nowMs >= this.#untilMs) return;
      work();
      this.#often(everyMs, work);
    });
  }

  #use(): void {
    const { random } = this.#world.kernel;
    const choice = random.next();
    if (choice < 0.7) this.#migrate();
    else if (choice < 0.8) this.#cancel();
    else if (choice < 0.9) this.#stopOrStart();
    else if (choice < 0.95) this.#delete();
    else makeServer(this.#world, `late-${++this.#made}`);
  }

  #server(): VirtualServer | undefined {
    const servers = this.#world.store?.list(virtualServerKind).items ?? [];
    return servers.length === 0 ? undefined : this.#world.kernel.random.pick(servers);
  }

  #migrate(): void {
    const server = this.#server();
    const { random } = this.#world.kernel;
    if (server === undefined) return;
    const targetNode = random.chance(0.7) ? { targetNode: random.pick(this.#world.hosts).name } : {};
    this.#made += 1;
    this.#world.kernel.note(`user: move ${this.#made} of ${server.metadata.name}`);
    make(this.#world, migrationKind, {
      metadata: { namespace, name: `move-${this.#made}` },
      spec: { server: server.metadata.name, mode: random.pick(modes), allowPostCopy: true, ...targetNode },
    });
  }

  #cancel(phase?: string): void {
    const { store, kernel } = this.#world;
    const open = (store?.list(migrationKind).items ?? []).filter(
      (migration) => !isMigrationEnded(migration) && (phase === undefined || migration.status?.phase === phase),
    );
    if (store === undefined || open.length === 0) return;
    const { metadata } = kernel.random.pick(open);
    kernel.note(`user: end ${metadata.name}`);
    const ended = kernel.random.chance(0.5)
      ? store.delete(migrationKind, metadata)
      : store.mutate(migrationKind, metadata, (draft) => {
          draft.spec.cancel = true;
        });
    ended.catch(() => undefined);
  }

  #stopOrStart(): void {
    const server = this.#server();
    if (server === undefined) return;
    this.#world.kernel.note(`user: stop or start ${server.metadata.name}`);
    this.#world.store
      ?.mutate(virtualServerKind, server.metadata, (draft) => {
        draft.spec.runStrategy = draft.spec.runStrategy === "Running" ? "Stopped" : "Running";
      })
      .catch(() => undefined);
  }

  #delete(): void {
    const server = this.#server();
    if (server === undefined) return;
    this.#world.kernel.note(`user: delete ${server.metadata.name}`);
    this.#world.store?.delete(virtualServerKind, server.metadata).catch(() => undefined);
  }

  #break(): void {
    const { kernel, hosts, network, hasLongFaults } = this.#world;
    const { random } = kernel;
    const host = random.pick(hosts);
    const shareOfShort = hasLongFaults ? shareOfShortFaults.withLongFaults : shareOfShortFaults.usually;
    const ms = random.chance(shareOfShort) ? random.between(50, 5000) : random.between(5000, 30_000);
    const say = (what: string) => kernel.note(`fault: ${what} for ${Math.round(ms)} ms`);
    switch (random.below(9)) {
      case 0:
        say("controller killed");
        this.#world.killController(ms);
        return;
      case 1:
      case 2:
        say(`agent of ${host.name} killed`);
        this.#world.killAgent(host, ms);
        return;
      case 3:
        say(`power of ${host.name} cut`);
        this.#world.cutPower(host, ms);
        return;
      case 4:
        say(`controller paused`);
        this.#pause(this.#world.controllerProcess, ms);
        return;
      case 5:
        say(`agent of ${host.name} paused`);
        this.#pause(this.#world.agentOf(host), ms);
        return;
      case 6: {
        const other = random.pick(["nats", ...hosts.map(({ name }) => name)]);
        const ways: [string, string][] = [
          [host.name, other],
          [other, host.name],
        ];
        const cut = random.chance(0.5) ? ways : [random.pick(ways)];
        say(`cut ${cut.map((way) => way.join(">")).join(" and ")}`);
        for (const [from, to] of cut) {
          network.cut(from, to);
          kernel.after(ms, () => network.join(from, to));
        }
        return;
      }
      case 7:
        say(`${host.name} slow and failing`);
        host.faults = { slowness: random.between(2, 50), failing: random.chance(0.5) ? 0.2 : 0 };
        kernel.after(ms, () => this.#world.repair(host));
        return;
      case 8:
        say("the store is down");
        for (const bucket of Object.values(this.#world.buckets)) bucket.faults = { ...bucket.faults, isDown: true };
        kernel.after(ms, () => {
          for (const bucket of Object.values(this.#world.buckets)) bucket.faults = { ...bucket.faults, isDown: false };
        });
    }
  }

  #pause(process: ReturnType<FleetWorld["agentOf"]>, ms: number): void {
    process?.pause();
    this.#world.kernel.after(ms, () => process?.resume());
  }
}
