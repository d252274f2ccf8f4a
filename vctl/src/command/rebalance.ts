import { rebalanceModes, rebalancePolicyKind, rebalancePolicyName, rebalancePolicySchema } from "@vfleet/shared";
import { type Command, Option } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { followObject } from "../api/follow.ts";
import { type AnyObject, patchObject } from "../api/objects.ts";
import { type Cli, interruptedExitCode, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { rebalanceLines } from "../output/rebalance-lines.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { deadlineSignal } from "./deadline.ts";

interface RebalanceOptions {
  dryRun?: boolean;
  mode?: string;
  output?: string;
  timeout: number;
}

const statusSchema = rebalancePolicySchema.shape.status;
const defaultTimeoutMs = 30_000;
const place = { name: rebalancePolicyName };

export function configureRebalance(command: Command, cli: Cli): void {
  command
    .option("--dry-run", "say what a round would move now, and why; move nothing")
    .addOption(new Option("--mode <mode>", "what the fleet does by itself from now on").choices(rebalanceModes))
    .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE")
    .option(
      "--timeout <duration>",
      "how long to wait for the round; 0: as long as it takes",
      parseDurationMs,
      defaultTimeoutMs,
    )
    .action(async (options: RebalanceOptions) => {
      formatterOf(options.output);
      const client = await connect(cli, command);
      if (options.mode === undefined) await round(cli, client, options);
      else await setMode(cli, client, options);
    });
}

async function setMode(cli: Cli, client: ApiClient, options: RebalanceOptions): Promise<void> {
  const patch = { spec: { mode: options.mode } };
  const object = await patchObject(client, rebalancePolicyKind, { place, patch, dryRun: options.dryRun === true });
  const dryRun = options.dryRun === true ? ("server" as const) : ("none" as const);
  print(cli.output, resultText({ type: rebalancePolicyKind, object, done: "patched" }, { ...options, dryRun }));
}

/** Asks for one round and shows what it came to. */
async function round(cli: Cli, client: ApiClient, options: RebalanceOptions): Promise<void> {
  const request = { id: cli.environment.id(), mode: options.dryRun === true ? "Suggest" : "On" };
  await patchObject(client, rebalancePolicyKind, { place, patch: { spec: { request } } });
  const policy = await answered(cli, client, { id: request.id, timeoutMs: options.timeout });
  if (policy === undefined) return;
  const formatter = formatterOf(options.output);
  if (formatter !== undefined || options.output === "name") {
    print(
      cli.output,
      resultText({ type: rebalancePolicyKind, object: policy, done: "" }, { output: options.output ?? "name" }),
    );
    return;
  }
  const status = statusSchema.parse(policy["status"]) ?? {};
  for (const line of rebalanceLines(status)) print(cli.output, line);
  if ((status.nodesWatched ?? 0) === 0) cli.exitCode = 1;
}

/** None: interrupted. */
async function answered(
  cli: Cli,
  client: ApiClient,
  { id, timeoutMs }: { id: string; timeoutMs: number },
): Promise<AnyObject | undefined> {
  const signal = deadlineSignal(cli, timeoutMs);
  try {
    const following = { ...place, signal, environment: cli.environment };
    for await (const object of followObject(client, rebalancePolicyKind, following)) {
      const status = statusSchema.parse(object?.["status"]);
      if (object !== undefined && status?.answeredRequest === id) return object;
    }
  } catch (thrown) {
    if (cli.signal.aborted) {
      cli.exitCode = interruptedExitCode;
      return undefined;
    }
    if (signal.aborted) throw fail("timed-out", { what: "a round of rebalancing" });
    throw thrown;
  }
  throw fail("object-gone", { what: `RebalancePolicy "${rebalancePolicyName}"` });
}
