import type { Kernel } from "./kernel.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";

const server = "nats";

export interface KeptRecord {
  key: string;
  sequence: number;
  /** None: deleted. */
  value: string | undefined;
  operation: "PUT" | "DEL" | "PURGE";
  writeId: string;
  atMs: number;
}

export interface Write {
  key: string;
  value: string | undefined;
  /** 0: there must be none. None: whatever there is. */
  expected: number | undefined;
  operation?: "DEL" | "PURGE";
  writeId: string;
}

export interface StoreFaults {
  /** Shares of requests: one that isn't heard, and one that is done and not answered. */
  requestLost: number;
  answerLost: number;
  /** It answers nobody. */
  isDown: boolean;
}

/** A bucket of JetStream's: every key's newest record, one sequence over all, compare-and-set, watches in order. Survives everything. */
export class KeyValue {
  faults: StoreFaults = { requestLost: 0, answerLost: 0, isDown: false };
  /** For mutants: a store that doesn't compare. */
  compares = true;
  readonly records = new Map<string, KeptRecord>();
  readonly #kernel: Kernel;
  readonly #network: Network;
  readonly #watchers = new Set<(record: KeptRecord) => void>();
  #sequence = 0;

  constructor(kernel: Kernel, network: Network) {
    this.#kernel = kernel;
    this.#network = network;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Sees each record as it is written. */
  observe(see: (record: KeptRecord) => void): () => void {
    this.#watchers.add(see);
    return () => this.#watchers.delete(see);
  }

  /** Sequence of the record; none where another is newest. */
  write({ key, value, expected, operation, writeId }: Write): number | undefined {
    const newest = this.records.get(key)?.sequence ?? 0;
    if (this.compares && expected !== undefined && newest !== expected) return undefined;
    this.#sequence += 1;
    const record: KeptRecord = {
      key,
      sequence: this.#sequence,
      value,
      operation: value === undefined ? (operation ?? "DEL") : "PUT",
      writeId,
      atMs: this.#kernel.nowMs,
    };
    this.records.set(key, record);
    for (const see of this.#watchers) see(record);
    return record.sequence;
  }

  /** Asks the store: the answer, or, after the timeout, none, whether or not it was done. */
  ask<T>(
    { process, place, timeoutMs }: { process: Process; place: string; timeoutMs: number },
    work: () => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const { random } = this.#kernel;
      process.after(timeoutMs, () => reject(new Error("TIMEOUT")));
      if (this.faults.isDown || random.chance(this.faults.requestLost) || this.#network.isCut(place, server)) return;
      this.#kernel.after(this.#network.delayMs(), () => {
        if (this.faults.isDown) return;
        let answer: () => void;
        try {
          const result = work();
          answer = () => resolve(result);
        } catch (thrown) {
          const error = thrown instanceof Error ? thrown : new Error(String(thrown));
          answer = () => reject(error);
        }
        if (random.chance(this.faults.answerLost) || this.#network.isCut(server, place)) return;
        process.after(this.#network.delayMs(), answer);
      });
    });
  }

  /** Tells every newest record after `sequence`, then each new one, in order, as soon as the line allows. */
  follow(
    { process, place, after }: { process: Process; place: string; after: number },
    hear: (record: KeptRecord, pending: number) => void,
  ): () => void {
    const waiting = [...this.records.values()]
      .filter((record) => record.sequence > after)
      .toSorted((a, b) => a.sequence - b.sequence);
    let isOn = true;
    let isUnderWay = false;
    const next = () => {
      if (!isOn || isUnderWay || waiting.length === 0) return;
      isUnderWay = true;
      const isStuck = this.faults.isDown || this.#network.isCut(server, place);
      process.after(isStuck ? 100 : this.#network.delayMs(), () => {
        isUnderWay = false;
        if (!isOn) return;
        if (!isStuck) {
          const records = waiting.splice(0);
          records.forEach((record, at) => hear(record, records.length - 1 - at));
        }
        next();
      });
    };
    const stop = this.observe((record) => {
      waiting.push(record);
      next();
    });
    next();
    process.onEnd(stop);
    return () => {
      isOn = false;
      stop();
    };
  }
}
