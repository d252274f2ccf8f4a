import type { Kernel } from "./kernel.ts";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";

const server = "nats";

export interface BusMessage {
  subject: string;
  data: Uint8Array;
  reply: string | undefined;
  json(): unknown;
  respond(text: string): void;
}

type Callback = (error: Error | null, message: BusMessage) => void;

interface Subscription {
  client: BusClient;
  pattern: readonly string[];
  callback: Callback;
}

/** NATS as far as messages go that nobody keeps: at most once, or, since senders repeat themselves, more often. */
export class MessageBus {
  readonly #kernel: Kernel;
  readonly network: Network;
  readonly #subscriptions = new Set<Subscription>();

  constructor(kernel: Kernel, network: Network) {
    this.#kernel = kernel;
    this.network = network;
  }

  client(process: Process, place: string): BusClient {
    return new BusClient(this, process, place);
  }

  add(subscription: Subscription): () => void {
    this.#subscriptions.add(subscription);
    return () => this.#subscriptions.delete(subscription);
  }

  send(from: string, message: { subject: string; text: string; reply?: string }): void {
    this.network.carry(from, server, () => {
      const tokens = message.subject.split(".");
      for (const { client, pattern, callback } of this.#subscriptions) {
        if (!matches(pattern, tokens)) continue;
        this.network.carry(server, client.place, () =>
          client.process.after(0, () => callback(null, client.take(message))),
        );
      }
    });
  }

  inbox(): string {
    return `_INBOX.${this.#kernel.random.id()}`;
  }
}

/** One program's connection. */
export class BusClient {
  readonly process: Process;
  readonly place: string;
  readonly network: Network;
  readonly #bus: MessageBus;
  readonly #unsubscribe = new Set<() => void>();

  constructor(bus: MessageBus, process: Process, place: string) {
    this.#bus = bus;
    this.network = bus.network;
    this.process = process;
    this.place = place;
    process.onEnd(() => this.close());
  }

  publish(subject: string, text: string): void {
    this.#bus.send(this.place, { subject, text });
  }

  subscribe(subject: string, { callback }: { callback: Callback }): { unsubscribe(): void } {
    const unsubscribe = this.#bus.add({ client: this, pattern: subject.split("."), callback });
    this.#unsubscribe.add(unsubscribe);
    return { unsubscribe };
  }

  request(subject: string, text: string, { timeout }: { timeout: number }): Promise<BusMessage> {
    return new Promise((resolve, reject) => {
      const reply = this.#bus.inbox();
      const subscription = this.subscribe(reply, {
        callback: (_error, message) => {
          subscription.unsubscribe();
          resolve(message);
        },
      });
      this.process.after(timeout, () => {
        subscription.unsubscribe();
        reject(new Error("TIMEOUT"));
      });
      this.#bus.send(this.place, { subject, text, reply });
    });
  }

  take({ subject, text, reply }: { subject: string; text: string; reply?: string }): BusMessage {
    return {
      subject,
      reply,
      get data() {
        return new TextEncoder().encode(text);
      },
      json: () => JSON.parse(text) as unknown,
      respond: (answer) => {
        if (reply !== undefined && this.process.isAlive) this.#bus.send(this.place, { subject: reply, text: answer });
      },
    };
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }
}

function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  return pattern.length === tokens.length && pattern.every((token, at) => token === "*" || token === tokens[at]);
}
