import type { TLSSocket } from "node:tls";
import { messageOf } from "@vfleet/shared";
import { fail } from "../errors.ts";
import { decompress } from "../stream/compressor.ts";
import { channels } from "../stream/frame.ts";
import { FrameConnection } from "../stream/frame-connection.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { listenSecurely, type SecureListener } from "../stream/secure-connection.ts";
import { TicketOffice } from "../stream/ticket-office.ts";
import { decodeMessage, encodeMessage } from "./messages.ts";
import type { MigrationIdentity } from "./ports.ts";
import type { SessionHost } from "./session-options.ts";
import type { SessionReport } from "./session-report.ts";
import { TargetSession, type TargetSessionOptions } from "./target-session.ts";

/** Between the handshake and the ticket. */
const helloLimitMs = 10_000;
/** For a refusal to be heard. */
const farewellLimitMs = 2_000;

export interface Expected {
  /** For the source. */
  ticket: string;
  session: TargetSession;
  /** Its last report. */
  ended: Promise<SessionReport>;
}

/** Where other nodes deliver servers: one TLS listener for all moves to this host. */
export class TargetListener {
  readonly #host: SessionHost;
  readonly #tickets: TicketOffice;
  readonly #sessions = new Map<string, TargetSession>();
  #listener: SecureListener | undefined;

  constructor(host: SessionHost) {
    this.#host = host;
    this.#tickets = new TicketOffice(host.environment);
  }

  /** Returns the port. `port` 0: any. */
  async listen(address: string, port: number): Promise<number> {
    this.#listener = await listenSecurely({
      tls: this.#host.tls,
      environment: this.#host.environment,
      address,
      port,
      accept: (socket, node) => this.#accept(socket, node),
      turnAway: (socket, reason) => this.#turnAway(socket, reason),
      refused: (reason) => this.#host.log.warn({ reason }, "migration connection refused"),
    });
    return this.#listener.port;
  }

  close(): void {
    this.#listener?.close();
  }

  /** Makes ready for one move and returns the ticket for its source. The session is running when this resolves. */
  async expect(options: TargetSessionOptions, ticketLifetimeMs: number): Promise<Expected> {
    const session = new TargetSession(options);
    await session.prepare();
    this.#sessions.set(options.identity.operation, session);
    const ended = session.run().finally(() => this.#sessions.delete(options.identity.operation));
    return { ticket: this.#tickets.issue(options.identity, ticketLifetimeMs), session, ended };
  }

  #accept(socket: TLSSocket, node: string): void {
    const connection = new FrameConnection(socket, node);
    const deadline = new AbortController();
    let session: TargetSession | undefined;
    this.#host.environment.sleep(helloLimitMs, deadline.signal).then(
      () => connection.destroy(fail("stream-closed", { peer: node })),
      () => {},
    );
    void connection.closed.then(() => deadline.abort());
    connection.listen((frame) => {
      if (session !== undefined) return session.receive(frame);
      try {
        session = this.#admit(frame, node);
      } catch (thrown) {
        const reason = messageOf(thrown);
        this.#host.log.warn({ node, error: reason }, "migration refused");
        const end = () => connection.destroy(thrown);
        return connection
          .send(channels.control, encodeMessage({ type: "refused", reason: reason.slice(0, 4096) }))
          .then(end, end);
      }
      deadline.abort();
      session.accept(connection);
      return undefined;
    });
  }

  /** Nothing that it says is read. */
  #turnAway(socket: TLSSocket, reason: string): void {
    const connection = new FrameConnection(socket, "a node with an outdated certificate");
    socket.resume();
    const end = () => connection.end();
    connection.send(channels.control, encodeMessage({ type: "refused", reason })).then(end, end);
    void this.#host.environment.sleep(farewellLimitMs).then(() => connection.destroy());
  }

  /** The session that the first message has a ticket for. */
  #admit(frame: ReceivedFrame, node: string): TargetSession {
    const hello =
      frame.header.channel === channels.control ? decodeMessage(decompress(frame.payload, frame.header)) : undefined;
    if (hello?.type !== "hello") throw fail("stream-invalid", { reason: "the first message must be hello" });
    const identity: MigrationIdentity = this.#tickets.redeem(hello.ticket, hello.identity, node);
    if (hello.mode !== "Cold" && hello.criuVersion !== this.#host.criuVersion) {
      throw fail("versions-differ", { what: "CRIU", source: hello.criuVersion, target: this.#host.criuVersion });
    }
    const session = this.#sessions.get(identity.operation);
    if (session === undefined)
      throw fail("ticket-refused", { operation: identity.operation, reason: "it is not under way any more" });
    if (hello.mode !== session.mode)
      throw fail("versions-differ", { what: "the mode", source: hello.mode, target: session.mode });
    return session;
  }
}
