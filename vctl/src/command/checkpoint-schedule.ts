import { checkpointScheduleKind } from "@vfleet/shared";
import type { Command } from "commander";
import { connect } from "../api/connect.ts";
import { patchObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { parseLabelQuery } from "../resource/label-query.ts";
import { serverName } from "../resource/resource-arguments.ts";
import { createFrom } from "./create.ts";
import { configureDelete } from "./delete.ts";
import { configureGet } from "./get.ts";
import { addWriteOptions, type WriteOptions } from "./write-options.ts";

interface CreateOptions extends WriteOptions {
  server?: string;
  selector?: string;
  schedule?: string;
  timeZone?: string;
  every?: number;
  startingDeadline?: number;
  copies?: number;
  keepLast?: number;
  maxAge?: number;
}

/** Another verb with words of its own. */
type Delegate = (
  verb: { name: string; configure: (command: Command, cli: Cli) => void },
  words: string[],
) => Promise<void>;

const type = checkpointScheduleKind;

export function configureSchedule(command: Command, cli: Cli, delegate: Delegate): void {
  const create = addWriteOptions(command.command("create").description("Have checkpoints taken by themselves"))
    .argument("<name>")
    .option("--server <server>", "of this virtual server")
    .option("-l, --selector <query>", "of servers with these labels, such as app=web,tier!=db")
    .option("--schedule <cron>", 'when: five fields, such as "30 3 * * MON-FRI", or @daily')
    .option("--time-zone <name>", "by whose clock, such as Europe/Berlin; none: UTC")
    .option("--every <duration>", "in place of --schedule: so far apart, such as 6h", parseDurationMs)
    .option("--starting-deadline <duration>", "don't make up a time that was missed by more", parseDurationMs)
    .option("--copies <count>", "hosts that are to have each", Number)
    .option("--keep-last <count>", "ready ones of each server that are kept; 7 where it isn't said", Number)
    .option("--max-age <duration>", "ready ones older than this go, but never the last", parseDurationMs);
  create.action(async (name: string, options: CreateOptions) => {
    formatterOf(options.output);
    const client = await connect(cli, create);
    const manifest = { apiVersion: "vfleet.dev/v1", kind: type.kind, metadata: { name }, spec: specOf(options) };
    const object = await createFrom(client, { type, namespace: client.namespace, manifest }, options);
    print(cli.output, resultText({ type, object, done: "created" }, options));
  });

  for (const [verb, suspend, description] of [
    ["suspend", true, "Take nothing new"],
    ["resume", false, "Go on; the last time that was missed is made up"],
  ] as const) {
    const change = addWriteOptions(command.command(verb).description(description)).argument("<schedules...>");
    change.action(async (words: string[], options: WriteOptions) => {
      formatterOf(options.output);
      const client = await connect(cli, change);
      for (const name of words.map(nameOf)) {
        const place = { name, namespace: client.namespace };
        const dryRun = options.dryRun !== "none";
        const object = await patchObject(client, type, { place, patch: { spec: { suspend } }, dryRun });
        print(cli.output, resultText({ type, object, done: `${verb.replace(/e$/, "")}ed` }, options));
      }
    });
  }

  const remove = command.command("delete").description("Delete some; the checkpoints that they made stay");
  remove.argument("<schedules...>").action(async (words: string[]) => {
    await delegate({ name: "delete", configure: configureDelete }, [type.plural, ...words.map(nameOf)]);
  });

  const list = command.command("list").alias("ls").description("Show schedules; as vctl get checkpointschedules");
  list.option("-o, --output <format>", "as vctl get").action(async ({ output }: { output?: string }) => {
    const format = output === undefined ? [] : ["-o", output];
    await delegate({ name: "get", configure: configureGet }, [type.plural, ...format]);
  });
}

/** What the words say; whether it can be is the server's to judge. */
function specOf(options: CreateOptions): object {
  const { server, selector, schedule, timeZone, every, startingDeadline, copies, keepLast, maxAge } = options;
  if ((server === undefined) === (selector === undefined))
    throw usageError("exactly one of --server and --selector is needed");
  if ((schedule === undefined) === (every === undefined))
    throw usageError("exactly one of --schedule and --every is needed", 'For example: --schedule "30 3 * * *"');
  const retention = { keepLast, maxAgeSeconds: seconds(maxAge) };
  return {
    server: server === undefined ? undefined : serverName(server),
    selector: selector === undefined ? undefined : parseLabelQuery(selector),
    schedule,
    timeZone,
    intervalSeconds: seconds(every),
    startingDeadlineSeconds: seconds(startingDeadline),
    copies,
    retention,
  };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function nameOf(word: string): string {
  return word.replace(/^(cps|checkpointschedules?(\.vfleet\.dev)?)\//, "");
}
