import { endedMigrationPhases, migrationKind, type MigrationStatus, migrationSchema } from "@vfleet/shared";
import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { followObject } from "../api/follow.ts";
import { apiObjectSchema, createObject, getObject, patchObject } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";
import { type Cli, interruptedExitCode, print } from "../cli.ts";
import { fail, usageError } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { migrationResult, migrationState, RateMeter } from "../output/migration-lines.ts";
import { Progress } from "../output/progress.ts";
import { nodeName, serverName } from "../resource/resource-arguments.ts";
import { addWriteOptions, type WriteOptions } from "./write-options.ts";
import { reasonText } from "../output/reason-text.ts";

interface MigrateOptions extends WriteOptions {
  to?: string;
  mode?: string;
  detach?: boolean;
  cancel?: string;
}

const statusSchema = migrationSchema.shape.status;

export function configureMigrate(command: Command, cli: Cli): void {
  addWriteOptions(command)
    .argument("[server]", "virtual server")
    .option("--to <node>", "target host; none: the scheduler picks")
    .option("--mode <mode>", "Auto or StopAndCopy; default: Auto")
    .option("--watch", "follow it to its end (the default)")
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
      ...(options.mode === undefined ? {} : { mode: options.mode }),
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
    await followMigration(cli, client, { server, migration: object.metadata.name });
}

/** Shows how it goes until it has ended. Returns after success; any other end throws, or is said when interrupted. */
async function followMigration(
  cli: Cli,
  client: ApiClient,
  { server, migration }: { server: string; migration: string },
): Promise<void> {
  const progress = new Progress(cli.error);
  const rate = new RateMeter();
  let said = "";
  const onLost = () => progress.line(`Lost the connection to ${client.server}; the migration goes on, trying again`);
  const options = {
    name: migration,
    namespace: client.namespace,
    signal: cli.signal,
    environment: cli.environment,
    onLost,
  };
  try {
    for await (const object of followObject(client, migrationKind, options)) {
      if (object === undefined) throw fail("object-gone", { what: `Migration "${migration}"` });
      const status: MigrationStatus = statusSchema.parse(object["status"] ?? {}) ?? {};
      const { phase = "Pending" } = status;
      const { headline, bar } = migrationState({
        server,
        status,
        bytesPerSecond: rate.measure(status.movedBytes, cli.environment.monotonicMs()),
      });
      if (headline !== said && !endedMigrationPhases.includes(phase)) progress.line(headline);
      said = headline;
      progress.update(bar);
      if (!endedMigrationPhases.includes(phase)) continue;
      progress.clear();
      if (phase === "Succeeded") {
        print(cli.output, migrationResult(server, status));
        return;
      }
      throw failure(server, migration, status);
    }
  } catch (thrown) {
    progress.clear();
    if (!cli.signal.aborted) throw thrown;
    print(cli.error, `Stopped following; migration "${migration}" goes on.`);
    print(
      cli.error,
      `To follow it: vctl get migration ${migration} -w\nTo cancel it: vctl migrate --cancel ${migration}`,
    );
    cli.exitCode = interruptedExitCode;
  }
}

function failure(server: string, migration: string, status: MigrationStatus) {
  const reason = reasonText(status) || "no reason given";
  const hint = `The server runs on where it was. See: vctl describe migration ${migration}`;
  if (status.phase === "Cancelled") return fail("migration-cancelled", { migration, reason }, { hint });
  return fail("migration-failed", { server, reason }, { hint });
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
