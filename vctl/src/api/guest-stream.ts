import { WebSocketHandler } from "@kubernetes/client-node/dist/web-socket-handler.js";
import { PassThrough } from "node:stream";
import { messageOf } from "@vfleet/shared";
import { z } from "zod";
import type { Cli, Output } from "../cli.ts";
import { fail } from "../fail.ts";
import { virtualServerPath } from "../resource/resource-type.ts";
import { type ApiClient, queryText } from "./api-client.ts";
import { StatusError, statusSchema } from "./status-error.ts";

export interface GuestCommand {
  namespace: string;
  name: string;
  words: readonly string[];
  stdin: boolean;
  tty: boolean;
}

/** Channels of `v5.channel.k8s.io`: the first byte of each message. */
const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** Runs a command in a server with this terminal's streams; returns its exit code. */
export async function runInGuest(cli: Cli, client: ApiClient, command: GuestCommand): Promise<number> {
  const query = { command: command.words, stdin: command.stdin, stdout: true, stderr: !command.tty, tty: command.tty };
  const path = virtualServerPath(command, "exec") + queryText(query);
  const unused = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }; // it would end the process' own
  const handler = new WebSocketHandler(client.config, undefined, unused);
  const restoreTerminal = command.tty ? rawTerminal(cli) : () => undefined;
  try {
    let final: StatusError | number | undefined;
    const writeTo = (output: Output, data: Buffer) => {
      if (output.write(data)) return;
      // The command must not run ahead of a slow reader by more than the buffers hold.
      void opening.then((socket) => {
        socket.pause();
        output.once("drain", () => socket.resume());
      });
    };
    const opening = handler.connect(path, null, (channel, data) => {
      if (channel === channels.stdout) writeTo(cli.output, data);
      else if (channel === channels.stderr) writeTo(cli.error, data);
      else if (channel === channels.status) final = outcomeOf(data);
      return true;
    });
    const socket = await opening.catch(async (thrown: unknown) => {
      throw await refusal(client, command, thrown);
    });
    const stopInput = command.stdin ? sendInput(cli, (data, sent) => socket.send(data, sent)) : () => undefined;
    const stopSize = command.tty ? sendSize(cli, (data) => socket.send(data)) : () => undefined;
    const onInterrupt = () => socket.close();
    cli.signal.addEventListener("abort", onInterrupt, { once: true });
    try {
      await new Promise<void>((resolve) => {
        socket.onclose = () => resolve();
        socket.onerror = () => resolve();
        if (socket.readyState === socket.CLOSED) resolve();
      });
    } finally {
      stopInput();
      stopSize();
      cli.signal.removeEventListener("abort", onInterrupt);
    }
    cli.signal.throwIfAborted();
    if (final === undefined)
      throw fail("connection-lost", { server: client.server, reason: "the command's exit code did not arrive" });
    if (typeof final !== "number") throw final;
    return final;
  } finally {
    restoreTerminal();
  }
}

const exitCodeSchema = z.coerce.number().int();

/** The command's exit code, or why it could not be run. */
export function outcomeOf(data: Buffer): number | StatusError {
  const status = statusSchema.parse({ kind: "Status", ...(JSON.parse(data.toString("utf8")) as object) }); // checked by the schema
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  const exitCode = exitCodeSchema.safeParse(cause?.message);
  return status.reason === "NonZeroExitCode" && exitCode.success
    ? exitCode.data
    : new StatusError(status, status.code ?? 500);
}

function sendInput(cli: Cli, send: (data: Buffer, sent: () => void) => void): () => void {
  const onData = (chunk: Buffer | string) => {
    cli.input.pause();
    send(Buffer.concat([Buffer.from([channels.stdin]), Buffer.from(chunk)]), () => cli.input.resume());
  };
  const onEnd = () => send(Buffer.from([channels.close, channels.stdin]), () => undefined);
  cli.input.on("data", onData);
  cli.input.on("end", onEnd);
  return () => {
    cli.input.off("data", onData);
    cli.input.off("end", onEnd);
    cli.input.pause();
  };
}

function sendSize(cli: Cli, send: (data: Buffer) => void): () => void {
  const onResize = () => {
    const size = JSON.stringify({ Width: cli.output.columns || 80, Height: cli.output.rows || 24 });
    send(Buffer.concat([Buffer.from([channels.resize]), Buffer.from(size)]));
  };
  onResize();
  cli.output.on("resize", onResize);
  return () => cli.output.off("resize", onResize);
}

/** Keys go to the command one by one and unread; the returned function gives the terminal back as it was. */
function rawTerminal({ input }: Cli): () => void {
  if (input.isTTY !== true || input.setRawMode === undefined) return () => undefined;
  const wasRaw = input.isRaw === true;
  input.setRawMode(true);
  return () => input.setRawMode?.(wasRaw);
}

/** A refused upgrade carries no reason; plain requests for the same are answered with a Status. */
async function refusal(client: ApiClient, { namespace, name, words }: GuestCommand, thrown: unknown): Promise<unknown> {
  try {
    await client.json({ path: virtualServerPath({ namespace, name }) });
    await client.json({
      path: virtualServerPath({ namespace, name }, "exec"),
      query: { command: words, stdout: true },
    });
  } catch (answer) {
    if (!(answer instanceof StatusError) || !/upgrade/i.test(answer.status.message ?? "")) return answer;
  }
  const reason =
    typeof thrown === "object" && thrown !== null && "message" in thrown ? String(thrown.message) : messageOf(thrown);
  return fail("exec-refused", { name, reason }, { cause: thrown });
}
