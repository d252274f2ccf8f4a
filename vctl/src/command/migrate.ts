import { endedMigrationPhases, migrationKind, migrationModes, migrationSchema } from "@vfleet/shared";
import { type Command, InvalidArgumentError } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { apiObjectSchema, createObject, getObject, patchObject } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { nodeName, serverName } from "../resource/resource-arguments.ts";
import { followMigration } from "./migrate-follow.ts";
import { addWriteOptions, type WriteOptions } from "./write-options.ts";

interface MigrateOptions extends WriteOptions {
  to?: string;
  mode?: string;
  allowPostCopy?: boolean;
  bandwidth?: string;
  maxDowntime?: number;
  rounds?: number;
  completionTimeout?: number;
  progressTimeout?: number;
  watch?: boolean;
  detach?: boolean;
  cancel?: string;
}

const statusSchema = migrationSchema.shape.status;

export function configureMigrate(command: Command, cli: Cli): void {
  addWriteOptions(command)
    .argument("[server]", "virtual server")
    .option("--to <node>", "target host; none: the scheduler picks")
    .option(
      "--mode <mode>",
      `${migrationModes.join(", ")}; default: as the server says. Cold stops and starts it: memory and connections are lost`,
    )
    .option("--allow-post-copy", "memory may follow after it runs there; until then both hosts are needed")
    .option("--no-allow-post-copy", "not even if the server allows it")
    .option("--bandwidth <amount>", "bytes per second on the wire at most, such as 50M")
    .option("--max-downtime <duration>", "pause to aim at, such as 500ms", parseDurationMs)
    .option("--rounds <number>", "of memory at most, before the freeze", parseRounds)
    .option("--completion-timeout <duration>", "it ends when it is not committed within this", parseDurationMs)
    .option("--progress-timeout <duration>", "it ends when nothing has moved for this long", parseDurationMs)
    .option("--watch", "show rounds and timeline, too; without it only how far it is")
    .option("--detach", "come back as soon as the server knows")
    .option("--cancel <migration>", "cancel this migration; its server runs on where it is")
    .action(async (word: string | undefined, options: MigrateOptions) => {
      formatterOf(options.output);
      const client = await connect(cli, command);
      if (options.cancel !== undefined) await cancel(cli, client, options.cancel.replace(/^mig(rations?)?\//, ""));
      else if (word === undefined)
        throw usageError(
          "you must specify the virtual server to migrate",
          "For example: vctl migrate cache --to host-2",
        );
      else await migrate(cli, client, serverName(word), options);
    });
}

/** A move that the fleet refuses before it begins: its reason is the whole message. */
function refusalOf(thrown: unknown): unknown {
  const causes =
    thrown instanceof StatusError && thrown.code === "Invalid" ? (thrown.status.details?.causes ?? []) : [];
  const [cause] = causes;
  return causes.length === 1 && cause?.field === "spec" && cause.message !== undefined
    ? usageError(cause.message)
    : thrown;
}

async function migrate(cli: Cli, client: ApiClient, server: string, options: MigrateOptions): Promise<void> {
  const manifest = {
    apiVersion: "vfleet.dev/v1",
    kind: "Migration",
    metadata: { generateName: `${server}-` },
    spec: {
      server,
      ...(options.to === undefined ? {} : { targetNode: nodeName(options.to) }),
      ...wishesOf(options),
    },
  };
  const object =
    options.dryRun === "client"
      ? apiObjectSchema.parse({ ...manifest, metadata: { ...manifest.metadata, name: "" } })
      : await createObject(client, migrationKind, {
          object: manifest,
          namespace: client.namespace,
          dryRun: options.dryRun === "server",
        }).catch((thrown: unknown) => {
          throw refusalOf(thrown);
        });
  print(cli.output, resultText({ type: migrationKind, object, done: "created" }, options));
  if (options.detach !== true && options.dryRun === "none")
    await followMigration(cli, client, { server, migration: object.metadata.name, watch: options.watch === true });
}

/** What is said of the move itself; the rest is as the server's own spec says. */
function wishesOf(options: MigrateOptions): Record<string, unknown> {
  const { mode, allowPostCopy, bandwidth, maxDowntime, rounds, completionTimeout, progressTimeout } = options;
  const wishes = {
    mode,
    allowPostCopy,
    bandwidth,
    maxDowntimeMs: maxDowntime,
    rounds,
    completionTimeoutSeconds: inSeconds(completionTimeout),
    progressTimeoutSeconds: inSeconds(progressTimeout),
  };
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
}

function inSeconds(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.ceil(durationMs / 1000);
}

function parseRounds(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("A whole number is needed.");
  return Number(text);
}

async function cancel(cli: Cli, client: ApiClient, migration: string): Promise<void> {
  const place = { namespace: client.namespace, name: migration };
  const before = await getObject(client, migrationKind, place);
  const phase = statusSchema.parse(before["status"] ?? {})?.phase;
  if (phase !== undefined && endedMigrationPhases.includes(phase))
    throw usageError(`Cannot cancel migration "${migration}": it has already ${phase.toLowerCase()}`);
  await patchObject(client, migrationKind, { place, patch: { spec: { cancel: true } } });
  print(cli.output, `migration.vfleet.dev/${migration} asked to cancel`);
}
