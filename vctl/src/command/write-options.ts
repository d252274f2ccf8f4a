import { type Command, Option } from "commander";
import type { DryRun } from "../output/format.ts";
import { collect } from "./selection-options.ts";

/** Of the verbs that change something. */
export interface WriteOptions {
  dryRun: DryRun;
  output?: string;
}

export function addFilenameOption(command: Command): Command {
  return command.addOption(
    new Option("-f, --filename <file>", "file, folder, or - for standard input; may be repeated").argParser(collect),
  );
}

export function addWriteOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--dry-run <strategy>", "client: send nothing; server: have it checked, change nothing")
        .choices(["none", "client", "server"])
        .default("none"),
    )
    .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE");
}
