import { type Isolation, isolationSchema, virtualServerKind, virtualServerStatusSchema } from "@vfleet/shared";
import { type Command, Option } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { followObject } from "../api/follow.ts";
import type { NewObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { parsePairs } from "../resource/resource-arguments.ts";
import { createFrom } from "./create.ts";
import { deadlineSignal } from "./deadline.ts";
import { collect } from "./selection-options.ts";
import { addWriteOptions, type WriteOptions } from "./write-options.ts";
import { reasonText } from "../output/reason-text.ts";

export interface RunOptions extends WriteOptions {
  image: string;
  memory?: string;
  cpu?: string;
  disk?: string;
  pids?: string;
  requestMemory?: string;
  requestCpu?: string;
  labels?: string[];
  env?: string[];
  hostname?: string;
  isolation?: Isolation;
  address?: string;
  node?: string;
  nodeSelector?: string[];
  restart?: "Always" | "OnFailure" | "Never";
  onNodeLoss?: "Restore" | "Restart" | "Wait";
  user?: string;
  workdir?: string;
  detach?: boolean;
  timeout: number;
}

export function configureRun(command: Command, cli: Cli): void {
  addWriteOptions(command)
    .argument("<name>")
    .argument("[command...]", "program and arguments after --; none: what the image says")
    .requiredOption("--image <name>", "image to make it from")
    .option("--memory <amount>", "limit, such as 1Gi")
    .option("--cpu <cpus>", "limit, such as 2 or 500m")
    .option("--disk <amount>", "limit, such as 8Gi")
    .option("--pids <number>", "limit of processes and threads")
    .option("--request-memory <amount>", "what its host must have left for it")
    .option("--request-cpu <cpus>", "what its host must have left for it")
    .addOption(new Option("-l, --labels <key=value>", "label; may be repeated").argParser(collect))
    .addOption(new Option("--env <key=value>", "environment variable; may be repeated").argParser(collect))
    .option("--hostname <name>", "default: the name")
    .addOption(
      new Option("--isolation <profile>", "Systemd: an init system may run in it").choices(isolationSchema.options),
    )
    .addOption(
      new Option(
        "--on-node-loss <what>",
        "when its host is lost: wait for it, restore a checkpoint, begin anew elsewhere",
      ).choices(["Restore", "Restart", "Wait"]),
    )
    .option("--address <ipv4>", "in the fleet's range; none: the next free one")
    .addOption(
      new Option("--node-selector <key=value>", "only on hosts with this label; may be repeated").argParser(collect),
    )
    .addOption(new Option("--restart <policy>", "when it ends by itself").choices(["Always", "OnFailure", "Never"]))
    .option("--user <uid[:gid]>", "inside the server")
    .option("--workdir <folder>", "where its program starts")
    .option("--detach", "do not wait until it runs")
    .option("--timeout <duration>", "how long to wait; 0: for ever", parseDurationMs, 300_000)
    .action(async (name: string, words: string[], options: RunOptions) => {
      formatterOf(options.output);
      const client = await connect(cli, command);
      const place = {
        type: virtualServerKind,
        namespace: client.namespace,
        manifest: virtualServerOf(name, words, options),
      };
      const object = await createFrom(client, place, options);
      print(cli.output, resultText({ type: virtualServerKind, object, done: "created" }, options));
      if (options.detach !== true && options.dryRun === "none") await waitRunning(cli, client, name, options.timeout);
    });
}

/** What the flags ask for; the rest is the server's defaults. */
export function virtualServerOf(name: string, words: readonly string[], options: RunOptions): NewObject {
  const limits = defined({ cpu: options.cpu, memory: options.memory, disk: options.disk, pids: options.pids });
  const requests = defined({ cpu: options.requestCpu, memory: options.requestMemory });
  const resources = { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) };
  return {
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: {
      name,
      ...(options.labels === undefined ? {} : { labels: parsePairs(splitCommas(options.labels), "--labels") }),
    },
    spec: {
      image: options.image,
      ...(words.length === 0 ? {} : { command: words }),
      ...defined({
        hostname: options.hostname,
        isolation: options.isolation,
        restartPolicy: options.restart,
        user: options.user,
        workingDirectory: options.workdir,
      }),
      ...(options.env === undefined ? {} : { environment: parsePairs(options.env, "--env") }),
      ...(Object.keys(resources).length === 0 ? {} : { resources }),
      ...(options.onNodeLoss === undefined ? {} : { availability: { onNodeLoss: options.onNodeLoss } }),
      ...(options.address === undefined ? {} : { network: { address: options.address } }),
      ...(options.nodeSelector === undefined
        ? {}
        : { placement: { nodeSelector: parsePairs(splitCommas(options.nodeSelector), "--node-selector") } }),
    },
  };
}

async function waitRunning(cli: Cli, client: ApiClient, name: string, timeoutMs: number): Promise<void> {
  const progress = new Progress(cli.error);
  const signal = deadlineSignal(cli, timeoutMs);
  let last = "";
  try {
    for await (const object of followObject(client, virtualServerKind, {
      name,
      namespace: client.namespace,
      signal,
      environment: cli.environment,
    })) {
      if (object === undefined) throw fail("object-gone", { what: `Virtual server "${name}"` });
      const status = virtualServerStatusSchema.parse(object["status"] ?? {});
      const { phase = "Pending" } = status;
      const node = status.nodeName === undefined ? "" : ` on ${status.nodeName}`;
      if (phase === "Running") {
        progress.line(`${name} is Running${node}${status.address === undefined ? "" : `, address ${status.address}`}`);
        return;
      }
      const why = reasonText(status);
      if (phase === "Failed")
        throw fail(
          "server-failed",
          { name, phase, reason: why || "no reason given" },
          { hint: `See: vctl describe vs/${name}, vctl logs ${name}` },
        );
      // A program that was meant to end, and has.
      if (phase === "Stopped" && status.exitCode !== undefined) {
        progress.line(`${name} has ended with exit code ${status.exitCode}`);
        cli.exitCode = status.exitCode === 0 ? 0 : 1;
        return;
      }
      const line = `${name} is ${phase}${node}${why === "" ? "" : `: ${why}`}`;
      if (line !== last) progress.line(line);
      last = line;
    }
  } catch (thrown) {
    progress.clear();
    if (cli.signal.aborted)
      print(cli.error, `Stopped waiting; ${name} goes on starting. To follow it: vctl get vs ${name} -w`);
    else if (signal.aborted)
      throw fail(
        "timed-out",
        { what: `virtual server "${name}" to run; ${last}` },
        { hint: `It goes on being tried. To follow it: vctl get vs ${name} -w` },
      );
    throw thrown;
  }
}

function splitCommas(words: readonly string[]): string[] {
  return words.flatMap((word) => word.split(","));
}

function defined<T extends Record<string, unknown>>(members: T): Partial<T> | undefined {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Partial<T>); // a subset of T's own members
}
