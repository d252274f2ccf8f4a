import { pipeline } from "node:stream/promises";
import { messageOf } from "@vfleet/shared";
import { type Command, InvalidArgumentError } from "commander";
import { connect } from "../api/connect.ts";
import type { Cli } from "../cli.ts";
import { fail } from "../fail.ts";
import { serverName } from "../resource/resource-arguments.ts";
import { virtualServerPath } from "../resource/resource-type.ts";

interface LogsOptions {
  follow?: boolean;
  tail?: number;
  timestamps?: boolean;
}

export function configureLogs(command: Command, cli: Cli): void {
  command
    .argument("<name>", "virtual server")
    .option("-f, --follow", "go on showing lines as they come")
    .option("--tail <lines>", "only the last lines; -1: all", parseLines)
    .option("--timestamps", "put its time before each line")
    .action(async (word: string, options: LogsOptions) => {
      const client = await connect(cli, command);
      const response = await client.stream({
        path: virtualServerPath({ namespace: client.namespace, name: serverName(word) }, "log"),
        query: {
          follow: options.follow,
          tailLines: options.tail === undefined || options.tail < 0 ? undefined : options.tail,
          timestamps: options.timestamps,
        },
        accept: "*/*",
        signal: cli.signal,
      });
      try {
        await pipeline(response, cli.output, { end: false, signal: cli.signal });
      } catch (thrown) {
        cli.signal.throwIfAborted();
        throw fail("connection-lost", { server: client.server, reason: messageOf(thrown) }, { cause: thrown });
      }
    });
}

function parseLines(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError("A whole number is needed.");
  return Number(text);
}
