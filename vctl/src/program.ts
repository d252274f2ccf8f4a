import { Command } from "commander";
import { addGlobalOptions } from "./api/connect.ts";
import type { Cli } from "./cli.ts";
import { verbs } from "./verbs.ts";

/** The hidden verb that completion scripts call. */
const completeVerb = "__complete";

/** vctl's command tree. Verbs have names only, until one is called. */
export function createProgram(cli: Cli): Command {
  const program = addGlobalOptions(new Command("vctl"))
    .description("Works with a fleet of virtual servers. Verbs and flags that kubectl has too mean the same here.")
    .exitOverride()
    .showHelpAfterError("See 'vctl --help' for usage.")
    .configureOutput({ writeOut: (text) => cli.output.write(text), writeErr: (text) => cli.error.write(text) })
    .helpCommand(false)
    .hook("preSubcommand", (_program, command) => configure(command, cli));
  for (const verb of verbs) program.command(verb.name).summary(verb.summary).description(verb.summary);
  program.command(completeVerb, { hidden: true });
  return program;
}

async function configure(command: Command, cli: Cli): Promise<void> {
  command.showHelpAfterError(`See 'vctl ${command.name()} --help' for usage.`);
  if (command.name() === completeVerb) {
    (await import("./command/complete.ts")).configureComplete(command, cli);
    return;
  }
  const verb = verbs.find(({ name }) => name === command.name());
  if (verb === undefined) return;
  (await verb.load())(command, cli);
  command.addHelpText("after", `\nExample:\n  ${verb.example}`);
}
