import type { KeptRecord, KeyValue } from "./kernel/key-value.ts";
import type { Kernel } from "./kernel/kernel.ts";
import type { Host } from "./model/host.ts";

interface OwnershipText {
  node: string;
  epoch: number;
  operation?: { id: string; target: string; state: string };
  earlier: { id: string; state: string }[];
  failover?: { epoch: number };
}

/** An invariant is broken. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

/** What must be true at every moment: looked at when it could become false. */
export class FleetChecks {
  readonly #kernel: Kernel;
  readonly #hosts: () => readonly Host[];
  readonly #ownership: KeyValue;
  /** By server: the highest that a client was told is kept. */
  readonly #acknowledged = new Map<string, number>();
  readonly #decided = new Map<string, string>();
  readonly #before = new Map<string, OwnershipText>();
  /** Copies that began to run, for whoever wants to know that something happened. */
  runs = 0;
  writes = 0;
  commits = 0;
  takeovers = 0;

  constructor(kernel: Kernel, ownership: KeyValue, hosts: () => readonly Host[]) {
    this.#kernel = kernel;
    this.#ownership = ownership;
    this.#hosts = hosts;
    ownership.observe((record) => this.#attempt(() => this.#onRecord(record)));
  }

  owner(uid: string): OwnershipText | undefined {
    const value = this.#ownership.records.get(uid)?.value;
    return value === undefined ? undefined : (JSON.parse(value) as OwnershipText); // written by the controller
  }

  onRuns(host: Host, uid: string, how: string): void {
    this.runs += 1;
    this.#kernel.note(`${host.name}: ${uid} ${how}`);
    this.#attempt(() => {
      const copies = this.#hosts().filter((each) => each.isOn && each.containers.get(uid)?.state === "running");
      if (copies.length > 1)
        throw new Violation("I1", `${uid} can run on ${copies.map(({ name }) => name).join(" and ")}`);
      const owner = this.owner(uid);
      if (owner?.node !== host.name)
        throw new Violation("I5", `${uid} is ${how} on ${host.name}, and is ${owner?.node ?? "nobody"}'s`);
      const acknowledged = this.#acknowledged.get(uid) ?? 0;
      const [memory, files] = [host.containers.get(uid)?.counter ?? -1, host.volumes.get(uid) ?? -1];
      if (memory < acknowledged || files < acknowledged)
        throw new Violation(
          "I4",
          `${uid} is ${how} on ${host.name} with ${memory} in memory and ${files} in its files, ${acknowledged} was acknowledged`,
        );
    });
  }

  /** A client's write, answered. */
  write(uid: string): void {
    const serving = this.#hosts().filter((host) => host.serves(uid));
    if (serving.length > 1)
      this.#attempt(() => {
        throw new Violation("I1", `${uid} answers on ${serving.map(({ name }) => name).join(" and ")}`);
      });
    const [host] = serving;
    const container = host?.containers.get(uid);
    if (host === undefined || container === undefined || !host.volumes.has(uid)) return;
    container.counter += 1;
    host.volumes.set(uid, container.counter);
    this.#acknowledged.set(uid, container.counter);
    this.writes += 1;
  }

  #onRecord(record: KeptRecord): void {
    const { key: uid, value } = record;
    this.#kernel.note(`ownership ${record.sequence} ${uid} ${value ?? "none"}`);
    const before = this.#before.get(uid);
    if (value === undefined) {
      this.#before.delete(uid);
      return;
    }
    const now = JSON.parse(value) as OwnershipText; // written by the controller
    this.#before.set(uid, now);
    if (now.failover?.epoch === now.epoch && before?.epoch !== now.epoch) {
      // Its files were given up, as it asked for.
      this.#acknowledged.delete(uid);
      this.takeovers += 1;
    }
    if (before !== undefined && (now.epoch < before.epoch || (now.epoch === before.epoch && now.node !== before.node)))
      throw new Violation("I3", `${uid} went from ${before.node}, ${before.epoch} to ${now.node}, ${now.epoch}`);
    for (const { id, state } of [...(now.operation === undefined ? [] : [now.operation]), ...now.earlier]) {
      const decided = this.#decided.get(id);
      if (decided !== undefined && decided !== state)
        throw new Violation("I3", `operation ${id} of ${uid} was ${decided} and is ${state}`);
      if (state === "committed" && decided === undefined) this.commits += 1;
      if (state !== "begun") this.#decided.set(id, state);
    }
  }

  #attempt(check: () => void): void {
    try {
      check();
    } catch (thrown) {
      this.#kernel.fail(thrown);
    }
  }
}
