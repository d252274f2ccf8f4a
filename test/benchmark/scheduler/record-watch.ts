import type { Drain, Image, Node, VirtualServer } from "@vfleet/shared";
import { isNodeReady } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { consumerOpts } from "nats";

const prefix = "$KV.vfleet-objects.";

export interface Bound {
  server: VirtualServer;
  /** Every node that it was ever bound to. */
  nodes: Set<string>;
  /** When the store had written it first, and bound: the store's own clock. */
  createdAtMs: number;
  boundAtMs: number | undefined;
  runningAtMs?: number;
  /** When it was last bound to another node than before. */
  boundAgainAtMs?: number;
}

/** What the store has written, as it writes it: neither the controller's answers nor its watches are asked. */
export class RecordWatch {
  readonly servers = new Map<string, Bound>();
  readonly nodes = new Map<string, Node>();
  /** When it was first written, and first with a plan. */
  readonly drains = new Map<string, { drain: Drain; createdAtMs: number; plannedAtMs: number | undefined }>();
  /** When a node was last said to be ready, or not to be, other than before. */
  readonly readinessAtMs = new Map<string, number>();
  readyNodes = 0;
  readonly #images = new Map<string, { image: Image; readyAtMs: number | undefined }>();
  #looks: { look: () => boolean; resolve: () => void }[] = [];

  async start(connection: NatsConnection): Promise<void> {
    const options = consumerOpts();
    options.orderedConsumer();
    options.bindStream("KV_vfleet-objects");
    options.callback((_error, message) => {
      if (message === null) return;
      const key = message.subject.slice(prefix.length);
      const isGone = message.headers?.has("KV-Operation") === true;
      this.#take(key, isGone ? undefined : message.string(), message.info.timestampNanos / 1e6);
    });
    await connection.jetstream().subscribe(`${prefix}>`, options);
  }

  readyAtMs(image: string): number {
    return this.#images.get(image)?.readyAtMs ?? Number.NaN;
  }

  /** Resolves once it is so; throws after the time. */
  async until(what: string, limitMs: number, look: () => boolean): Promise<void> {
    if (look()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#looks.push({ look, resolve });
    const timeout = new Promise<never>((_resolve, reject) =>
      setTimeout(() => reject(new Error(`${what}: not within ${limitMs} ms`)), limitMs).unref(),
    );
    await Promise.race([promise, timeout]);
  }

  #take(key: string, text: string | undefined, atMs: number): void {
    const [, plural, , name = ""] = key.split(".");
    if (plural === "virtualservers") this.#onServer(name, text, atMs);
    else if (plural === "nodes" && text !== undefined) this.#onNode(JSON.parse(text) as Node, atMs);
    else if (plural === "drains" && text !== undefined) this.#onDrain(JSON.parse(text) as Drain, atMs);
    else if (plural === "images" && text !== undefined) {
      const image = JSON.parse(text) as Image;
      const readyAtMs = this.#images.get(name)?.readyAtMs ?? (image.status?.phase === "Ready" ? atMs : undefined);
      this.#images.set(name, { image, readyAtMs });
    } else return;
    this.#looks = this.#looks.filter(({ look, resolve }) => {
      const isSo = look();
      if (isSo) resolve();
      return !isSo;
    });
  }

  #onNode(node: Node, atMs: number): void {
    const { name } = node.metadata;
    const before = this.nodes.get(name);
    const wasReady = before !== undefined && isNodeReady(before);
    this.nodes.set(name, node);
    if (isNodeReady(node) === wasReady) return;
    this.readyNodes += wasReady ? -1 : 1;
    this.readinessAtMs.set(name, atMs);
  }

  #onDrain(drain: Drain, atMs: number): void {
    const known = this.drains.get(drain.metadata.name);
    const plannedAtMs = known?.plannedAtMs ?? (drain.status?.plan === undefined ? undefined : atMs);
    this.drains.set(drain.metadata.name, { drain, createdAtMs: known?.createdAtMs ?? atMs, plannedAtMs });
  }

  #onServer(name: string, text: string | undefined, atMs: number): void {
    const before = this.servers.get(name);
    if (before?.server.status?.phase === "Running") this.running--;
    if (text === undefined) {
      this.servers.delete(name);
      return;
    }
    const server = JSON.parse(text) as VirtualServer;
    if (server.status?.phase === "Running") this.running++;
    const node = server.status?.nodeName;
    const known = before ?? { server, nodes: new Set(), createdAtMs: atMs, boundAtMs: undefined };
    if (node !== undefined) {
      if (known.nodes.size > 0 && node !== known.server.status?.nodeName) known.boundAgainAtMs = atMs;
      known.nodes.add(node);
      known.boundAtMs ??= atMs;
      if (known.server.status?.nodeName === undefined) this.bound++;
    }
    if (server.status?.phase === "Running") known.runningAtMs ??= atMs;
    known.server = server;
    this.servers.set(name, known);
  }

  /** Bindings seen so far, also of servers that are gone. */
  bound = 0;
  /** Servers said to run, now. */
  running = 0;
}
