import { once } from "node:events";
import type { Readable } from "node:stream";
import { z } from "zod";
import type { WebSocket } from "ws";
import { messageOf } from "@vfleet/shared";
import type { Logger } from "@vfleet/shared";
import type { ExecSession, RuntimeDriver } from "../engine/runtime/runtime-driver.ts";
import { channelFrame, channels, exitStatus, failureStatus } from "./channel-frames.ts";

/** Kubernetes' `PodExecOptions` as query parameters, of which the container's name means nothing here. */
export interface ExecParameters {
  command: string[];
  stdin: boolean;
  tty: boolean;
}

export function parseExecParameters(query: URLSearchParams): ExecParameters {
  return { command: query.getAll("command"), stdin: isTrue(query.get("stdin")), tty: isTrue(query.get("tty")) };
}

function isTrue(value: string | null): boolean {
  return value === "true" || value === "1";
}

const sizeSchema = z.object({
  Width: z.number().int().min(1).max(65_535),
  Height: z.number().int().min(1).max(65_535),
});
const normalClosure = 1000;
/** More than this on its way to a slow client, and the command has to wait. */
const bufferedLimitBytes = 1 << 20;
const drainPollMs = 10;

export interface ExecChannelOptions {
  webSocket: WebSocket;
  runtime: RuntimeDriver;
  uid: string;
  parameters: ExecParameters;
  log: Logger;
  sleep: (ms: number) => Promise<void>;
}

/** Runs a command in a server at the other end of a WebSocket. Ends the command when the client goes. */
export async function runExecChannel({
  webSocket,
  runtime,
  uid,
  parameters,
  log,
  sleep,
}: ExecChannelOptions): Promise<void> {
  // A frame that comes while the command is being started must not be lost.
  const early: Buffer[] = [];
  const keepEarly = (data: Buffer) => early.push(data);
  webSocket.on("message", keepEarly);
  let session: ExecSession;
  try {
    session = await runtime.exec(uid, { command: parameters.command, terminal: parameters.tty });
  } catch (thrown) {
    webSocket.send(channelFrame(channels.error, failureStatus(messageOf(thrown))));
    webSocket.close(normalClosure);
    return;
  }
  log.info({ server: uid, command: parameters.command[0], tty: parameters.tty }, "command started in server");
  const receive = (frame: Buffer) => receiveFrame(session, parameters, frame);
  webSocket.off("message", keepEarly);
  early.forEach(receive);
  webSocket.on("message", receive);
  webSocket.once("close", () => session.kill());
  if (!parameters.stdin && !parameters.tty) session.stdin.end();
  const forward = async (channel: number, stream: Readable) => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      while (webSocket.readyState === webSocket.OPEN && webSocket.bufferedAmount > bufferedLimitBytes)
        await sleep(drainPollMs);
      if (webSocket.readyState === webSocket.OPEN) webSocket.send(channelFrame(channel, chunk));
    }
  };
  try {
    const [exitCode] = await Promise.all([
      session.ended,
      forward(channels.stdout, session.stdout),
      session.stderr === undefined ? undefined : forward(channels.stderr, session.stderr),
    ]);
    if (webSocket.readyState === webSocket.OPEN) webSocket.send(channelFrame(channels.error, exitStatus(exitCode)));
  } catch (thrown) {
    if (webSocket.readyState === webSocket.OPEN)
      webSocket.send(channelFrame(channels.error, failureStatus(messageOf(thrown))));
  }
  webSocket.close(normalClosure);
  if (webSocket.readyState !== webSocket.CLOSED) await once(webSocket, "close");
}

function receiveFrame(session: ExecSession, parameters: ExecParameters, frame: Buffer): void {
  const [channel] = frame;
  const data = frame.subarray(1);
  if (channel === channels.stdin && (parameters.stdin || parameters.tty)) session.stdin.write(data);
  else if (channel === channels.close && data[0] === channels.stdin) session.stdin.end();
  else if (channel === channels.resize) {
    const size = sizeSchema.safeParse(parseJson(data));
    if (size.success) session.resize(size.data.Width, size.data.Height);
  }
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString("utf8"));
  } catch {
    return undefined;
  }
}
