import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { frame, frameKinds, FrameReader } from "./command-frame.ts";
import type { CommandEnd, CommandRequest, Frame, FrameKind } from "./command-frame.ts";

// Runs in a guest: starts the commands of `lab exec`, one a connection, for whoever knows the token.
//
//   node command-server.ts ADDRESS PORT TOKEN_FILE

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const notStarted = 127;
const signalBase = 128;

if (import.meta.main) {
  const [address, port, tokenFile = ""] = process.argv.slice(2);
  const token = readFileSync(tokenFile, "utf8").trim();
  createServer({ allowHalfOpen: false }, (socket) => new CommandConnection(socket, token)).listen(
    Number(port),
    address,
  );
}

class CommandConnection {
  readonly #socket: Socket;
  readonly #token: string;
  readonly #frames = new FrameReader();
  #child: Child | undefined;

  constructor(socket: Socket, token: string) {
    this.#socket = socket;
    this.#token = token;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", () => socket.destroy());
    // Whoever asked is gone: so goes the command, as in a box.
    socket.on("close", () => this.#signal("SIGTERM"));
  }

  #take(bytes: Buffer): void {
    try {
      for (const each of this.#frames.read(bytes)) this.#handle(each);
    } catch {
      this.#socket.destroy();
    }
  }

  #handle({ kind, body }: Frame): void {
    if (kind === frameKinds.start) this.#start(parseRequest(body));
    else if (kind === frameKinds.signal) this.#signal(signalName(body.toString()));
    else if (kind === frameKinds.input && body.length === 0) this.#child?.stdin.end();
    else if (kind === frameKinds.input && this.#child?.stdin.write(body) === false) this.#waitForDrain(this.#child);
  }

  #start({ token, command, environment }: CommandRequest): void {
    const [program = "", ...args] = command;
    if (this.#child !== undefined || !isSame(token, this.#token)) throw new Error("not allowed");
    // A group of its own, so that a signal reaches what a shell has started.
    const child: Child = spawn(program, args, { cwd: "/", env: environment, detached: true, stdio: "pipe" });
    this.#child = child;
    child.stdin.on("error", () => undefined); // a program may end without reading its input
    this.#pass(child.stdout, frameKinds.output);
    this.#pass(child.stderr, frameKinds.error);
    child.once("error", (error) => this.#end({ code: notStarted, reason: error.message }));
    child.once("close", (code, signal) => this.#end({ code: code ?? signalBase + signalNumber(signal) }));
  }

  /** Reads no faster than the connection takes. */
  #pass(stream: Readable, kind: FrameKind): void {
    stream.on("data", (bytes: Buffer) => {
      if (this.#socket.write(frame(kind, bytes))) return;
      stream.pause();
      this.#socket.once("drain", () => stream.resume());
    });
  }

  #waitForDrain(child: Child): void {
    this.#socket.pause();
    child.stdin.once("drain", () => this.#socket.resume());
    child.stdin.once("close", () => this.#socket.resume());
  }

  #signal(name: NodeJS.Signals): void {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // It ended in between.
    }
  }

  #end(end: CommandEnd): void {
    if (!this.#socket.destroyed) this.#socket.end(frame(frameKinds.end, JSON.stringify(end)));
  }
}

/** From the other side of this very protocol, and of the same version: `command-client.ts`. */
function parseRequest(body: Buffer): CommandRequest {
  return JSON.parse(body.toString()) as CommandRequest;
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function signalName(text: string): NodeJS.Signals {
  if (!(text in constants.signals)) throw new Error(`no signal ${text}`);
  return text as NodeJS.Signals;
}

function signalNumber(name: NodeJS.Signals | null): number {
  return name === null ? 0 : constants.signals[name];
}
