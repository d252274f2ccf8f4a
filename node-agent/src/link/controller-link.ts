import { readFileSync } from "node:fs";
import { connect, Events, nkeyAuthenticator } from "nats";
import type { z } from "zod";
import {
  commandMessageSchema,
  messageOf,
  networkUpdateSchema,
  nodeInboxPrefix,
  replyError,
  replyOk,
  replySchema,
  resultOf,
  subjects,
} from "@vfleet/shared";
import type {
  AgentConfig,
  CommandMessage,
  Environment,
  Logger,
  MigrationProgress,
  NetworkUpdate,
  NodeReport,
  NodeTelemetry,
  RequestMessage,
} from "@vfleet/shared";
import { agentError } from "../agent-error.ts";

interface Incoming {
  data: Uint8Array;
  respond(text: string): unknown;
}

/** A connection to NATS, or a simulated one. */
export interface AgentConnection {
  isClosed(): boolean;
  close(): Promise<void>;
  /** Resolves when it is; with the reason, if there is one. */
  closed(): Promise<unknown>;
  publish(subject: string, text: string): void;
  request(subject: string, text: string, options: { timeout: number }): Promise<{ data: Uint8Array }>;
  subscribe(subject: string, options: { callback: (error: Error | null, message: Incoming) => void }): unknown;
  /** `disconnect` and `reconnect` are told. */
  status(): AsyncIterable<{ type: string }>;
  getServer(): string;
}

export interface ControllerLinkOptions {
  config: Pick<AgentConfig, "node" | "nats">;
  /** Rejects while there is nothing to connect to. None: NATS, as the configuration says. */
  connect?: () => Promise<AgentConnection>;
  environment: Environment;
  log: Logger;
  /** What it resolves with is the reply's result; what it throws is the reply's error. */
  onCommand: (command: CommandMessage) => Promise<unknown>;
  /** What all nodes are told. */
  onNetwork: (update: NetworkUpdate) => void;
  /** After every connect: anything may have been missed. */
  onConnected: () => void;
}

const disconnect: string = Events.Disconnect;
const reconnect: string = Events.Reconnect;
const reconnectMs = 500;
const requestTimeoutMs = 2000;
/** Commands are small but for assignments. */
const largestCommandBytes = 8 << 20;

/** The agent's line to the controller: NATS under the node's own identity. Being cut off is a state, not an error; it comes back by itself. */
export class ControllerLink {
  readonly #options: ControllerLinkOptions;
  #connection: AgentConnection | undefined;
  #isClosed = false;

  constructor(options: ControllerLinkOptions) {
    this.#options = options;
  }

  /** Returns at once; connects as soon as there is something to connect to. */
  open(): void {
    void this.#keepConnected();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
  }

  get isConnected(): boolean {
    return this.#connection !== undefined && !this.#connection.isClosed() && !this.#isCut;
  }

  report(report: NodeReport): void {
    this.#publish(subjects.report(report.node), report);
  }

  telemetry(telemetry: NodeTelemetry): void {
    this.#publish(subjects.telemetry(telemetry.node), telemetry);
  }

  progress(progress: MigrationProgress): void {
    this.#publish(subjects.progress(this.#options.config.node), progress);
  }

  /** Asks the controller once. Throws its error by code, or `controller-unreachable`: then it is not known whether it was heard. */
  async request<T>(message: RequestMessage, schema: z.ZodType<T>, timeoutMs: number = requestTimeoutMs): Promise<T> {
    const connection = this.#connection;
    if (connection === undefined) throw agentError("controller-unreachable", { reason: "not connected" });
    let data: Uint8Array;
    try {
      const reply = await connection.request(subjects.request(this.#options.config.node), JSON.stringify(message), {
        timeout: timeoutMs,
      });
      data = reply.data;
    } catch (thrown) {
      throw agentError("controller-unreachable", { reason: messageOf(thrown) }, { cause: thrown });
    }
    return resultOf(replySchema.parse(parse(data)), schema);
  }

  /** Asks until there is an answer, the controller's refusal, or `signal`. For requests that may be repeated. */
  async requestUntilAnswered<T>(message: RequestMessage, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return await this.request(message, schema);
      } catch (thrown) {
        if (!(thrown instanceof Error && "code" in thrown && thrown.code === "controller-unreachable")) throw thrown;
        await this.#options.environment.sleep(reconnectMs, signal);
      }
    }
  }

  #isCut = false;

  async #keepConnected(): Promise<void> {
    const { config, environment, log, onConnected } = this.#options;
    const connectToController = this.#options.connect ?? (() => connectToNats(config));
    while (!this.#isClosed) {
      try {
        const connection = await connectToController();
        this.#connection = connection;
        this.#isCut = false;
        log.info({ server: connection.getServer() }, "connected to NATS");
        connection.subscribe(subjects.command(config.node), {
          callback: (error, message) => this.#onMessage(error, message),
        });
        connection.subscribe(subjects.network, { callback: (_error, message) => this.#onNetwork(message) });
        void this.#watch(connection);
        onConnected();
        const reason = await connection.closed();
        log.warn({ err: reason }, "NATS connection closed");
      } catch (thrown) {
        log.debug({ err: thrown }, "NATS not reached");
      }
      this.#connection = undefined;
      if (!this.#isClosed) await environment.sleep(reconnectMs);
    }
  }

  async #watch(connection: AgentConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === disconnect) {
        this.#isCut = true;
        this.#options.log.warn("NATS connection lost");
      } else if (type === reconnect) {
        this.#isCut = false;
        this.#options.log.info("NATS connection is back");
        this.#options.onConnected();
      }
    }
  }

  #onMessage(error: Error | null, message: Incoming): void {
    if (error !== null) {
      this.#options.log.warn({ err: error }, "command subscription failed");
      return;
    }
    void this.#answer(message);
  }

  #onNetwork(message: Incoming): void {
    try {
      this.#options.onNetwork(networkUpdateSchema.parse(parse(message.data)));
    } catch (thrown) {
      this.#options.log.warn({ err: thrown }, "change of the network map not understood");
    }
  }

  async #answer(message: Incoming): Promise<void> {
    const { log, onCommand } = this.#options;
    let kind = "unknown";
    try {
      if (message.data.length > largestCommandBytes)
        throw agentError("record-invalid", { file: "command", reason: `${message.data.length} bytes are too many` });
      const command = commandMessageSchema.parse(parse(message.data));
      kind = command.kind;
      const result = await onCommand(command);
      message.respond(JSON.stringify(replyOk(result ?? {})));
    } catch (thrown) {
      log.warn({ command: kind, err: thrown }, "command refused");
      message.respond(JSON.stringify(replyError(thrown)));
    }
  }

  /** What is not sent now is sent anew and whole a moment later: nothing is kept while the line is cut. */
  #publish(subject: string, value: unknown): void {
    if (!this.isConnected) return;
    try {
      this.#connection?.publish(subject, JSON.stringify(value));
    } catch (thrown) {
      this.#options.log.debug({ subject, err: thrown }, "not published");
    }
  }
}

function connectToNats({ node, nats }: ControllerLinkOptions["config"]): Promise<AgentConnection> {
  return connect({
    servers: nats.servers,
    name: `vfleet-agent ${node}`,
    inboxPrefix: nodeInboxPrefix(node),
    authenticator: nkeyAuthenticator(new TextEncoder().encode(readFileSync(nats.nkeySeedFile, "utf8").trim())),
    tls: { caFile: nats.tls.ca, certFile: nats.tls.certificate, keyFile: nats.tls.key },
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: reconnectMs,
    // With another server to go to a silent one is left before the controller misses this host.
    pingInterval: nats.servers.length > 1 ? 2000 : 5000,
    maxPingOut: 2,
    timeout: 5000,
  });
}

function parse(data: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(data));
}
