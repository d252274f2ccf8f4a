import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { frame, frameKinds, FrameReader } from "./command-frame.ts";
import type { CommandEnd, CommandRequest, Frame } from "./command-frame.ts";

// Runs on the machine, in the lab's network: starts a command in a guest, with this process's streams, signals and exit code.
//
//   node command-client.ts ADDRESS PORT TOKEN_FILE COMMAND...

const passedSignals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
const unreachable = 255;

if (import.meta.main) {
  const [address = "", port, tokenFile = "", ...command] = process.argv.slice(2);
  const environment = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  runCommand({ address, port: Number(port) }, { token: readFileSync(tokenFile, "utf8").trim(), command, environment });
}

function runCommand({ address, port }: { address: string; port: number }, request: CommandRequest): void {
  const socket = connect({ host: address, port, noDelay: true });
  const frames = new FrameReader();
  process.exitCode = unreachable;

  socket.once("connect", () => {
    socket.write(frame(frameKinds.start, JSON.stringify(request)));
    // script(1) in the guest makes the terminal: what is typed here goes there as it is.
    if (process.stdin.isTTY && request.command[0] === "script") process.stdin.setRawMode(true);
    process.stdin.on("data", (bytes: Buffer) => {
      if (socket.write(frame(frameKinds.input, bytes))) return;
      process.stdin.pause();
      socket.once("drain", () => process.stdin.resume());
    });
    process.stdin.once("end", () => socket.write(frame(frameKinds.input)));
    for (const signal of passedSignals) process.on(signal, () => socket.write(frame(frameKinds.signal, signal)));
  });
  socket.on("data", (bytes: Buffer) => {
    for (const each of frames.read(bytes)) take(each);
  });
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => socket.destroy());
  socket.once("error", (error) => process.stderr.write(`lab: the guest does not answer: ${error.message}\n`));
  socket.once("close", () => {
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.destroy();
  });

  function take({ kind, body }: Frame): void {
    if (kind === frameKinds.end) finish(JSON.parse(body.toString()) as CommandEnd);
    else show(kind === frameKinds.error ? process.stderr : process.stdout, body);
  }

  function finish({ code, reason }: CommandEnd): void {
    if (reason !== undefined) process.stderr.write(`lab: ${reason}\n`);
    process.exitCode = code;
    socket.end();
  }

  /** Reads no faster than whoever listens takes; ends, and with it the command, when nobody does. */
  function show(stream: NodeJS.WriteStream, body: Buffer): void {
    if (stream.write(body)) return;
    socket.pause();
    stream.once("drain", () => socket.resume());
  }
}
