import { type Command, Option } from "commander";
import { usageError } from "../fail.ts";
import type { DryRun } from "../output/format.ts";

/** `--dry-run` alone asks for a plan; with a strategy it is kubectl's. */
export function addPlanOption(command: Command, alone: string): Command {
  return command.addOption(
    new Option("--dry-run [strategy]", `alone: ${alone}; client: send nothing; server: have it checked`)
      .preset("plan")
      .default("none"),
  );
}

/** What was asked for, and the words: the one after a flag that stood alone is one of them. */
export function planOrStrategy(
  dryRun: string,
  words: readonly string[],
): { dryRun: DryRun | "plan"; words: readonly string[] } {
  if (dryRun === "none" || dryRun === "client" || dryRun === "server") return { dryRun, words };
  if (dryRun === "plan") return { dryRun, words };
  if (words.length === 0) return { dryRun: "plan", words: [dryRun] };
  throw usageError(`unknown dry-run strategy "${dryRun}": client, server, or none for the plan`);
}
