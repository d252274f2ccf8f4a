import { createHash } from "node:crypto";
import type { ApiObject, Environment, Event, Logger } from "@vfleet/shared";
import { codeOf, eventKind, messageOf, timestamp } from "@vfleet/shared";
import type { ObjectStore } from "../store/object-store.ts";

export interface Happening {
  type: "Normal" | "Warning";
  /** One CamelCase word. */
  reason: string;
  message: string;
}

const keptMs = 3_600_000;
const sweepEveryMs = 60_000;
const queuedMax = 1000;
/** Between what is written together; for many of them longer, since servers wait for the same store. */
const restMs = 100;
const restPerEventMs = 5;

/**
 * Writes Events. The same thing about the same object is one Event with a count. Recording never holds up or fails
 * what it is about: writes queue up, at most 200 are written a second, and beyond a bound the newest are dropped.
 */
export class EventRecorder {
  readonly #store: ObjectStore;
  readonly #environment: Environment;
  readonly #log: Logger;
  readonly #stopSweep: () => void;
  readonly #closing = new AbortController();
  #queue: (() => Promise<void>)[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: { store: ObjectStore; environment: Environment; log: Logger }) {
    this.#store = options.store;
    this.#environment = options.environment;
    this.#log = options.log;
    this.#stopSweep = options.environment.every(sweepEveryMs, () => this.#enqueue(() => this.#sweep()));
  }

  record(about: ApiObject, happening: Happening): void {
    const now = timestamp(this.#environment);
    this.#enqueue(() => this.#write(about, happening, now));
  }

  async close(): Promise<void> {
    this.#stopSweep();
    this.#closing.abort();
    await this.#writing;
  }

  #enqueue(work: () => Promise<void>): void {
    if (this.#queue.length >= queuedMax) return;
    this.#queue.push(work);
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  /** Those that came while others were written are written, and synced, together. */
  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const works = this.#queue;
      this.#queue = [];
      await Promise.all(works.map((work) => this.#attempt(work)));
      const pauseMs = Math.max(restMs, works.length * restPerEventMs);
      await this.#environment.sleep(pauseMs, this.#closing.signal).catch(() => undefined);
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#log.warn({ error: messageOf(thrown) }, "event not written");
    }
  }

  async #write(about: ApiObject, happening: Happening, now: string): Promise<void> {
    const namespace = about.metadata.namespace ?? "default";
    const name = `${about.metadata.name}.${digestOf([about.kind, about.metadata.uid ?? "", happening.type, happening.reason, happening.message])}`;
    const again = async () => {
      await this.#store.mutate(eventKind, { namespace, name }, (event) => {
        event.count = (event.count ?? 1) + 1;
        event.lastTimestamp = now;
      });
    };
    if (this.#store.get(eventKind, { namespace, name }) !== undefined) return again();
    const event: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name: about.metadata.name,
        ...(about.metadata.namespace === undefined ? {} : { namespace: about.metadata.namespace }),
        ...(about.metadata.uid === undefined ? {} : { uid: about.metadata.uid }),
      },
      ...happening,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: "vfleet-controller" },
      reportingComponent: "vfleet-controller",
    };
    try {
      await this.#store.create(eventKind, event);
    } catch (thrown) {
      if (codeOf(thrown) !== "already-exists") throw thrown;
      await again();
    }
  }

  async #sweep(): Promise<void> {
    const oldest = this.#environment.nowMs() - keptMs;
    for (const event of this.#store.list(eventKind).items) {
      if (Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp ?? "") >= oldest) continue;
      const { namespace, name } = event.metadata;
      await this.#store.delete(eventKind, { namespace, name });
    }
  }
}

function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
