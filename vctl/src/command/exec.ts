import type { Command } from "commander";
import { connect } from "../api/connect.ts";
import { runInGuest } from "../api/guest-stream.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { serverName } from "../resource/resource-arguments.ts";

interface ExecOptions {
  stdin?: boolean;
  tty?: boolean;
}

export function configureExec(command: Command, cli: Cli): void {
  command
    .argument("<name>", "virtual server")
    .argument("[command...]", "program and arguments, after --")
    .option("-i, --stdin", "give it this terminal's input")
    .option("-t, --tty", "give it a terminal of its own")
    .action(async (word: string, words: string[], options: ExecOptions) => {
      if (words.length === 0)
        throw usageError(
          "you must specify at least one command for the container",
          "For example: vctl exec -it cache -- bash",
        );
      const stdin = options.stdin === true;
      const isTerminal = cli.input.isTTY === true;
      if (options.tty === true && stdin && !isTerminal)
        print(cli.error, "Unable to use a TTY - input is not a terminal or the right kind of file");
      const tty = options.tty === true && (!stdin || isTerminal);
      const client = await connect(cli, command);
      const code = await runInGuest(cli, client, {
        namespace: client.namespace,
        name: serverName(word),
        words,
        stdin,
        tty,
      });
      if (code !== 0) print(cli.error, `command terminated with exit code ${code}`);
      cli.exitCode = code;
    });
}
