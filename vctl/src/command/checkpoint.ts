import { checkpointKind, checkpointSchema, formatBytesForPeople, restoreKind, restoreSchema } from "@vfleet/shared";
import type { Command } from "commander";
import { connect } from "../api/connect.ts";
import type { NewObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { serverName } from "../resource/resource-arguments.ts";
import { configureExport, configureImport } from "./checkpoint-archive.ts";
import { configureVerify } from "./checkpoint-verify.ts";
import { followPhases } from "./checkpoint-follow.ts";
import { configureSchedule } from "./checkpoint-schedule.ts";
import { createFrom } from "./create.ts";
import { configureDelete } from "./delete.ts";
import { configureGet } from "./get.ts";
import { addWriteOptions, type WriteOptions } from "./write-options.ts";

interface MakeOptions extends WriteOptions {
  name?: string;
  detach?: boolean;
  timeout: number;
}

interface RestoreOptions extends MakeOptions {
  replace?: boolean;
  as?: string;
  node?: string;
}

const checkpointStatus = checkpointSchema.shape.status;
const restoreStatus = restoreSchema.shape.status;

export function configureCheckpoint(command: Command, cli: Cli): void {
  const create = addMakeOptions(command.command("create").description("Take one of a server, which runs on"))
    .argument("<server>", "virtual server that runs")
    .option("--name <name>", "of the checkpoint; none: the server's with something behind it")
    .option("--copies <count>", "hosts that are to have it", Number);
  create.action(async (word: string, options: MakeOptions & { copies?: number }) => {
    const server = serverName(word);
    const metadata = options.name === undefined ? { generateName: `${server}-` } : { name: options.name };
    const manifest = {
      apiVersion: "vfleet.dev/v1",
      kind: "Checkpoint",
      metadata,
      spec: { server, copies: options.copies },
    };
    await make(cli, create, { type: checkpointKind, manifest }, options);
  });

  const restore = addMakeOptions(
    command.command("restore").description("Put one in its server's place, or make a new server of it"),
  )
    .argument("<checkpoint>")
    .option("--replace", "end the server where it runs: what it has done since is lost")
    .option("--as <server>", "a new server that begins as it, with its spec and an address of its own")
    .option("--node <node>", "where the new server runs; none: the scheduler says");
  restore.action(async (word: string, options: RestoreOptions) => {
    const checkpoint = nameOf(word);
    const { replace = false, as, node } = options;
    const spec = { checkpoint, replace, ...(as === undefined ? {} : { target: { server: serverName(as) } }), node };
    const metadata = { generateName: `${checkpoint}-` };
    const manifest = { apiVersion: "vfleet.dev/v1", kind: "Restore", metadata, spec };
    await make(cli, restore, { type: restoreKind, manifest }, options);
  });

  const remove = command.command("delete").description("Delete some, and wait until their hosts have");
  remove.argument("<checkpoints...>").action(async (words: string[]) => {
    await delegate(command, cli, { name: "delete", configure: configureDelete }, ["checkpoints", ...words.map(nameOf)]);
  });

  configureExport(command.command("export").description("Write one to a file"), cli, nameOf);
  configureVerify(
    command.command("verify").description("Say whether one can be restored, by restoring it"),
    cli,
    nameOf,
  );
  configureImport(command.command("import").description("Make one of a file"), cli);

  const list = command.command("list").alias("ls").description("Show checkpoints; as vctl get checkpoints");
  list.option("-o, --output <format>", "as vctl get").action(async ({ output }: { output?: string }) => {
    const format = output === undefined ? [] : ["-o", output];
    await delegate(command, cli, { name: "get", configure: configureGet }, ["checkpoints", ...format]);
  });

  const schedule = command.command("schedule").description("Have them taken by themselves");
  configureSchedule(schedule, cli, (verb, words) => delegate(command, cli, verb, words));
}

function addMakeOptions(command: Command): Command {
  return addWriteOptions(command)
    .option("--detach", "do not wait until it is done")
    .option("--timeout <duration>", "how long to wait; 0: for ever", parseDurationMs, 600_000);
}

function nameOf(word: string): string {
  return word.replace(/^(cp|checkpoints?(\.vfleet\.dev)?)\//, "");
}

/** Another verb with words of its own. */
async function delegate(
  command: Command,
  cli: Cli,
  verb: { name: string; configure: (command: Command, cli: Cli) => void },
  words: string[],
): Promise<void> {
  const delegated = command.createCommand(verb.name).exitOverride().configureOutput(command.configureOutput());
  delegated.parent = command.parent; // for the options before the verb
  verb.configure(delegated, cli);
  await delegated.parseAsync(words, { from: "user" });
}

async function make(
  cli: Cli,
  command: Command,
  { type, manifest }: { type: typeof checkpointKind | typeof restoreKind; manifest: NewObject },
  options: MakeOptions,
): Promise<void> {
  formatterOf(options.output);
  const client = await connect(cli, command);
  const object = await createFrom(client, { type, namespace: client.namespace, manifest }, options);
  print(cli.output, resultText({ type, object, done: "created" }, options));
  if (options.detach === true || options.dryRun !== "none") return;
  const { name } = object.metadata;
  const status = await followPhases(cli, client, { type, name, timeoutMs: options.timeout });
  print(cli.output, `${type.singular}/${name} ${type === restoreKind ? restoredText(status) : takenText(status)}`);
}

function takenText(found: unknown): string {
  const { memoryBytes = 0, storedBytes = 0, pauseMs = 0, node = "" } = checkpointStatus.parse(found) ?? {};
  return `is ready on ${node}: ${formatBytesForPeople(memoryBytes)} of memory (${formatBytesForPeople(storedBytes)} on the disk), the server stood still for ${pauseMs} ms`;
}

function restoredText(found: unknown): string {
  const { pauseMs = 0, node = "" } = restoreStatus.parse(found) ?? {};
  return `is done on ${node}: the server runs again after ${pauseMs} ms`;
}
