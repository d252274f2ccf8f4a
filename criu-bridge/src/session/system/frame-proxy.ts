import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import * as tls from "node:tls";
import { decompress } from "../../stream/compressor.ts";
import { channels, frameHeaderBytes, readFrameHeader } from "../../stream/frame.ts";
import { migrationProtocol } from "../../stream/secure-connection.ts";
import { decodeMessage } from "../messages.ts";

export type Direction = "to-target" | "to-source";
/**
 * `cut`: both connections are reset. `stall`: nothing goes through any more, and nobody is told. `flip`: of the encrypted bytes of the frame
 * one bit. `mangle`: of the frame itself, before it is encrypted again. `repeat`: it goes through, and a second connection begins with
 * the same frame.
 */
export type Fault = "cut" | "stall" | "flip" | "mangle" | "repeat";

/** A frame by what it is: a message's type, or the channel of what isn't one. */
export interface FramePlace {
  direction: Direction;
  kind: string;
  /** From 0, of its kind. */
  nth: number;
}

/** How many frames of a kind there were. */
export interface KindSeen {
  direction: Direction;
  kind: string;
  frames: number;
}

export interface FaultPlan {
  fault: Fault;
  /** None: every frame goes through. */
  place: FramePlace | undefined;
  /** Picks the bit. */
  seed: number;
}

interface Party {
  /** Folder with `cert.pem`, `key.pem` and `ca.pem`. */
  certificates: string;
}

interface Parties {
  source: Party;
  target: Party & { port: number };
}

/** A wire on which one bit can be flipped. */
class Wire extends Duplex {
  readonly #socket: Socket;
  flipNext = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (data) => this.push(data));
    socket.on("end", () => this.push(null));
    socket.on("error", () => this.destroy());
    socket.on("close", () => this.destroy());
  }

  override _read(): void {}

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const sent = Buffer.from(data);
    if (this.flipNext) {
      const middle = sent.length >>> 1;
      sent.writeUInt8(sent.readUInt8(middle) ^ 1, middle);
      this.flipNext = false;
    }
    this.#socket.write(sent, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

interface Leg {
  secure: tls.TLSSocket;
  wire: Wire;
}

/** Stands between two hosts with the certificates of both, sees every frame, and does one of them harm. */
export class FrameProxy {
  readonly #parties: Parties;
  readonly #plan: FaultPlan;
  readonly #fired: () => void;
  readonly #server: Server;
  readonly #legs: Leg[] = [];
  readonly #frames: Record<Direction, number> = { "to-target": 0, "to-source": 0 };
  readonly #kinds: KindSeen[] = [];
  #isStalled = false;
  #hasFired = false;
  #saidToSecond: Promise<string> | undefined;

  constructor(options: Parties & { plan: FaultPlan; fired: () => void }) {
    this.#parties = options;
    this.#plan = options.plan;
    this.#fired = options.fired;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Returns the port that the source takes for the target's. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // A TCP server's address is an object once it listens.
    return (this.#server.address() as AddressInfo).port;
  }

  get hasFired(): boolean {
    return this.#hasFired;
  }

  /** What has come, in the order of the first of each. */
  get kinds(): readonly KindSeen[] {
    return this.#kinds;
  }

  /** What the target says to the second connection with the same first frame. */
  get saidToSecond(): Promise<string> | undefined {
    return this.#saidToSecond;
  }

  close(): void {
    this.#server.close();
    this.#cut();
  }

  #accept(socket: Socket): void {
    const { source, target } = this.#parties;
    const near = new Wire(socket);
    const server: Leg = {
      wire: near,
      secure: new tls.TLSSocket(near, {
        ...identity(target),
        isServer: true,
        requestCert: true,
        rejectUnauthorized: true,
      }),
    };
    const client = connectTo(target.port, source);
    this.#legs.push(server, client);
    this.#forward(server, client, "to-target");
    this.#forward(client, server, "to-source");
  }

  #forward(from: Leg, to: Leg, direction: Direction): void {
    let waiting = Buffer.alloc(0);
    from.secure.on("data", (data: Buffer) => {
      waiting = Buffer.concat([waiting, data]);
      for (;;) {
        const bytes = waiting.length < frameHeaderBytes ? Infinity : frameHeaderBytes + waiting.readUInt32LE(8);
        if (waiting.length < bytes) return;
        this.#pass(waiting.subarray(0, bytes), to, direction);
        waiting = waiting.subarray(bytes);
      }
    });
    from.secure.on("error", () => this.#cut());
    from.secure.on("close", () => {
      if (!this.#isStalled) to.secure.end();
    });
  }

  #pass(frame: Buffer, to: Leg, direction: Direction): void {
    if (this.#isStalled) return;
    const plan = this.#plan;
    if (!isAt(plan.place, this.#placeOf(frame, direction))) {
      to.secure.write(frame);
      return;
    }
    this.#hasFired = true;
    this.#fired();
    switch (plan.fault) {
      case "cut":
        this.#cut();
        return;
      case "stall":
        this.#isStalled = true;
        return;
      case "flip":
        to.wire.flipNext = true;
        to.secure.write(frame);
        return;
      case "mangle":
        to.secure.write(mangled(frame, plan.seed));
        return;
      case "repeat":
        to.secure.write(frame);
        this.#saidToSecond = this.#sayAgain(frame);
    }
  }

  async #sayAgain(frame: Buffer): Promise<string> {
    const { source, target } = this.#parties;
    const leg = connectTo(target.port, source);
    this.#legs.push(leg);
    leg.secure.write(frame);
    const answer = await new Promise<Buffer>((resolve, reject) => {
      leg.secure.once("data", resolve);
      leg.secure.once("error", reject);
    });
    const header = readFrameHeader(answer, 0);
    return decompress(answer.subarray(frameHeaderBytes), header).toString("utf8");
  }

  #placeOf(frame: Buffer, direction: Direction): FramePlace {
    const header = readFrameHeader(frame, this.#frames[direction]++);
    const kind =
      header.channel === channels.control
        ? decodeMessage(decompress(frame.subarray(frameHeaderBytes), header)).type
        : (Object.entries(channels).find(([, channel]) => channel === header.channel)?.[0] ?? "");
    let seen = this.#kinds.find((known) => known.direction === direction && known.kind === kind);
    if (seen === undefined) this.#kinds.push((seen = { direction, kind, frames: 0 }));
    return { direction, kind, nth: seen.frames++ };
  }

  #cut(): void {
    for (const { secure, wire } of this.#legs) {
      secure.destroy();
      wire.destroy();
    }
  }
}

/** As the source does, with its certificate. */
function connectTo(port: number, source: Party): Leg {
  const wire = new Wire(connect(port, "127.0.0.1"));
  return { wire, secure: tls.connect({ ...identity(source), socket: wire, checkServerIdentity: () => undefined }) };
}

function isAt(wanted: FramePlace | undefined, { direction, kind, nth }: FramePlace): boolean {
  return wanted?.direction === direction && wanted.kind === kind && wanted.nth === nth;
}

/** In the header or the first bytes of the payload: of a large payload's middle no checksum is made. */
function mangled(frame: Buffer, seed: number): Buffer {
  const copy = Buffer.from(frame);
  const bit = seed % (Math.min(copy.length, 2 * frameHeaderBytes) * 8);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

function identity({ certificates }: Party) {
  return {
    ca: readFileSync(`${certificates}/ca.pem`),
    cert: readFileSync(`${certificates}/cert.pem`),
    key: readFileSync(`${certificates}/key.pem`),
    minVersion: "TLSv1.3" as const,
    ALPNProtocols: [migrationProtocol],
  };
}
