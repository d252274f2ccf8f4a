import { virtualServerKind } from "@vfleet/shared";
import type { Command } from "commander";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { followObject } from "../api/follow.ts";
import { getObject, patchObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { Progress } from "../output/progress.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { serverName } from "../resource/resource-arguments.ts";
import { deadlineSignal } from "./deadline.ts";

const serverSchema = z.looseObject({
  spec: z.looseObject({ runStrategy: z.string() }),
  status: z
    .looseObject({
      phase: z.string().default("Pending"),
      suspended: z.unknown().optional(),
      message: z.string().optional(),
    })
    .prefault({}),
});

interface Options {
  detach?: boolean;
  timeout: number;
}

interface Change {
  runStrategy: "Suspended" | "Running";
  done: string;
  isDone: (status: z.infer<typeof serverSchema>["status"]) => boolean;
}

const suspension: Change = {
  runStrategy: "Suspended",
  done: "suspended",
  isDone: ({ phase }) => phase === "Suspended",
};
const resumption: Change = {
  runStrategy: "Running",
  done: "resumed",
  isDone: ({ phase, suspended }) => phase === "Running" && suspended === undefined,
};

export function configureSuspend(command: Command, cli: Cli): void {
  configure(command, cli, suspension);
}

export function configureResume(command: Command, cli: Cli): void {
  configure(command, cli, resumption);
}

function configure(command: Command, cli: Cli, change: Change): void {
  command
    .argument("<servers...>")
    .option("--detach", "do not wait until it is done")
    .option("--timeout <duration>", "how long to wait; 0: for ever", parseDurationMs, 600_000)
    .action(async (words: string[], options: Options) => {
      const client = await connect(cli, command);
      for (const name of words.map(serverName)) await apply(cli, client, { name, change, options });
    });
}

async function apply(
  cli: Cli,
  client: ApiClient,
  { name, change, options }: { name: string; change: Change; options: Options },
): Promise<void> {
  const { namespace } = client;
  const { runStrategy, done, isDone } = change;
  const what = `${virtualServerKind.singular}/${name}`;
  const before = serverSchema.parse(await getObject(client, virtualServerKind, { name, namespace }));
  if (runStrategy === "Suspended" && before.status.phase !== "Running" && before.spec.runStrategy !== runStrategy)
    throw fail("server-failed", { name, phase: before.status.phase, reason: "only one that runs can be suspended" });
  if (before.spec.runStrategy === runStrategy && isDone(before.status))
    return print(cli.output, `${what} already ${done}`);
  if (before.spec.runStrategy !== runStrategy)
    await patchObject(client, virtualServerKind, {
      place: { name, namespace },
      patch: { spec: { runStrategy } },
      dryRun: false,
    });
  if (options.detach !== true) await follow(cli, client, { name, isDone, timeoutMs: options.timeout });
  print(cli.output, `${what} ${options.detach === true ? `is being ${done}` : done}`);
}

async function follow(
  cli: Cli,
  client: ApiClient,
  { name, isDone, timeoutMs }: { name: string; isDone: Change["isDone"]; timeoutMs: number },
): Promise<void> {
  const { namespace } = client;
  const { environment } = cli;
  const progress = new Progress(cli.error);
  const signal = deadlineSignal(cli, timeoutMs);
  const hint = `It goes on. To follow it: vctl get vs ${name} -w; to see why it takes so long: vctl get checkpoints,restores`;
  try {
    for await (const object of followObject(client, virtualServerKind, { name, namespace, signal, environment })) {
      if (object === undefined) throw fail("object-gone", { what: `VirtualServer "${name}"` });
      const { status } = serverSchema.parse(object);
      if (isDone(status)) return;
      progress.update(`${name} is ${status.phase}${status.message === undefined ? "" : `: ${status.message}`}`);
    }
  } catch (thrown) {
    if (signal.aborted && !cli.signal.aborted)
      throw fail("timed-out", { what: `${virtualServerKind.singular}/${name}` }, { hint });
    throw thrown;
  } finally {
    progress.clear();
  }
}
