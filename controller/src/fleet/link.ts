import type {
  CommandMessage,
  Logger,
  MigrationProgress,
  NodeReport,
  NodeTelemetry,
  RequestMessage,
} from "@vfleet/shared";
import {
  messageOf,
  migrationProgressSchema,
  nodeOfSubject,
  nodeReportSchema,
  nodeTelemetrySchema,
  replyError,
  replyOk,
  replySchema,
  requestMessageSchema,
  resultOf,
  subjects,
} from "@vfleet/shared";
import { z } from "zod";
import { fail } from "../errors.ts";

/** A message as it comes; `reply` where its sender waits for `respond`. */
interface Incoming {
  subject: string;
  reply?: string | undefined;
  /** As it came, where it came as bytes. */
  data?: Uint8Array;
  json(): unknown;
  respond(text: string): unknown;
}

/** What carries messages: a connection to NATS, or a simulated one. */
export interface Messenger {
  publish(subject: string, text: string): void;
  request(subject: string, text: string, options: { timeout: number }): Promise<{ json(): unknown }>;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: Incoming) => void },
  ): { unsubscribe(): void };
}

export interface FleetListeners {
  report(report: NodeReport): void;
  /** One that says what can't be. */
  refused(node: string, reason: string): void;
  progress(node: string, progress: MigrationProgress): void;
  telemetry(telemetry: NodeTelemetry): void;
  /** What it resolves to is the reply's result; what it throws, its error. */
  request(node: string, request: RequestMessage): Promise<unknown>;
}

/**
 * The controller's side of the messages with agents. The NATS server has checked that only the node itself can publish
 * on its subjects; that the node named inside is the same one is checked here.
 */
export class FleetLink {
  readonly #connection: Messenger;
  readonly #log: Logger;
  /** What was complained about: once per node and kind of message. */
  readonly #complained = new Set<string>();
  readonly #subscriptions: { unsubscribe(): void }[] = [];
  /** Every node's last report, as it came and as what it was taken for. */
  readonly #reports = new Map<string, { data: Buffer; report: NodeReport }>();

  constructor(connection: Messenger, log: Logger) {
    this.#connection = connection;
    this.#log = log;
  }

  listen(listeners: FleetListeners): void {
    this.#subscribe("report", (node, message) => {
      const report = this.#reportOf(node, message, (reason) => listeners.refused(node, reason));
      if (report !== undefined) listeners.report(report);
    });
    this.#receive("progress", migrationProgressSchema, (node, progress) => listeners.progress(node, progress));
    this.#receive("telemetry", nodeTelemetrySchema, (node, telemetry) => {
      if (telemetry.node === node) listeners.telemetry(telemetry);
      else this.#complain(node, "telemetry", `it speaks of node "${telemetry.node}"`);
    });
    this.#receive(
      "request",
      requestMessageSchema,
      (node, request, message) => void this.#answer(node, request, message, listeners),
    );
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** Rejects with the agent's own error, or with `command-unanswered`. */
  async command<T>(
    node: string,
    message: CommandMessage,
    options: { result: z.ZodType<T>; timeoutMs: number },
  ): Promise<T> {
    let reply: { json(): unknown };
    try {
      reply = await this.#connection.request(subjects.command(node), JSON.stringify(message), {
        timeout: options.timeoutMs,
      });
    } catch (thrown) {
      throw fail("command-unanswered", { node, command: message.kind, reason: messageOf(thrown) }, { cause: thrown });
    }
    return resultOf(replySchema.parse(reply.json()), options.result);
  }

  /** Says a command that is answered by the node's reports; what is lost is said again. */
  tell(node: string, command: string): void {
    this.#connection.publish(subjects.command(node), command);
  }

  /** Says a change of the network map to all nodes at once; their reports say who has missed it. */
  tellAll(update: string): void {
    this.#connection.publish(subjects.network, update);
  }

  /** Nearly every report says what the one before it said: then it is the same object. */
  #reportOf(node: string, message: Incoming, onRefused: (reason: string) => void): NodeReport | undefined {
    const known = this.#reports.get(node);
    const { data } = message;
    if (known !== undefined && data !== undefined && known.data.equals(data)) return known.report;
    const report = this.#parse(node, "report", { schema: nodeReportSchema, message, onRefused });
    if (report === undefined) return undefined;
    if (report.node !== node) {
      this.#complain(node, "report", `it speaks of node "${report.node}"`);
      return undefined;
    }
    if (data !== undefined) this.#reports.set(node, { data: Buffer.from(data), report });
    return report;
  }

  #receive<T>(
    what: "progress" | "telemetry" | "request",
    schema: z.ZodType<T>,
    listener: (node: string, value: T, message: Incoming) => void,
  ): void {
    this.#subscribe(what, (node, message) => {
      const value = this.#parse(node, what, { schema, message });
      if (value !== undefined) listener(node, value, message);
    });
  }

  #subscribe(
    what: "report" | "progress" | "telemetry" | "request",
    listener: (node: string, message: Incoming) => void,
  ): void {
    const subscription = this.#connection.subscribe(subjects.ofEveryNode(what), {
      callback: (error, message) => {
        if (error !== null) {
          this.#log.error({ what, error: messageOf(error) }, "subscription failed");
          return;
        }
        listener(nodeOfSubject(message.subject), message);
      },
    });
    this.#subscriptions.push(subscription);
  }

  #parse<T>(
    node: string,
    what: string,
    { schema, message, onRefused }: { schema: z.ZodType<T>; message: Incoming; onRefused?: (reason: string) => void },
  ): T | undefined {
    try {
      return schema.parse(message.json());
    } catch (thrown) {
      const reason = thrown instanceof z.ZodError ? z.prettifyError(thrown) : messageOf(thrown);
      this.#complain(node, what, reason);
      onRefused?.(reason.replaceAll(/\s+/g, " "));
      if (message.reply !== undefined && message.reply !== "") message.respond(JSON.stringify(replyError(thrown)));
      return undefined;
    }
  }

  async #answer(node: string, request: RequestMessage, message: Incoming, listeners: FleetListeners): Promise<void> {
    try {
      message.respond(JSON.stringify(replyOk(await listeners.request(node, request))));
    } catch (thrown) {
      this.#log.warn({ node, request: request.kind, error: messageOf(thrown) }, "request refused");
      message.respond(JSON.stringify(replyError(thrown)));
    }
  }

  #complain(node: string, what: string, reason: string): void {
    const key = `${node} ${what}`;
    if (this.#complained.has(key)) return;
    this.#complained.add(key);
    this.#log.warn({ node, what, reason }, "message dropped; more of this kind are dropped without a word");
  }
}
