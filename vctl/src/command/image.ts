import { imageKind, imageSchema } from "@vfleet/shared";
import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { followObject } from "../api/follow.ts";
import type { NewObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { nodeName } from "../resource/resource-arguments.ts";
import { createFrom } from "./create.ts";
import { deadlineSignal } from "./deadline.ts";
import { configureGet } from "./get.ts";
import { collect } from "./selection-options.ts";
import { addWriteOptions, type WriteOptions } from "./write-options.ts";
import { reasonText } from "../output/reason-text.ts";

interface MakeOptions extends WriteOptions {
  detach?: boolean;
  timeout: number;
}
interface BuildOptions extends MakeOptions {
  suite: string;
  packages?: string[];
  mirror?: string;
}
interface ImportOptions extends MakeOptions {
  tar: string;
  node: string;
}

const statusSchema = imageSchema.shape.status;

export function configureImage(command: Command, cli: Cli): void {
  const build = addMakeOptions(command.command("build").description("Make an image from Debian packages"))
    .argument("<name>")
    .argument("[command...]", "what its servers run, after --")
    .option("--suite <name>", "Debian release", "bookworm")
    .option("--packages <names>", "to install besides the base system, comma-separated; may be repeated", collect)
    .option("--mirror <url>", "none: what the building host's own sources name");
  build.action(async (name: string, words: string[], options: BuildOptions) => {
    const packages = (options.packages ?? [])
      .flatMap((list) => list.split(","))
      .map((word) => word.trim())
      .filter((word) => word !== "");
    const debootstrap = {
      suite: options.suite,
      packages,
      ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    };
    await make(cli, await connect(cli, build), imageOf(name, { debootstrap }, words), options);
  });

  const importing = addMakeOptions(
    command.command("import").description("Make an image from a root file system in a tar file"),
  )
    .argument("<name>")
    .argument("[command...]", "what its servers run, after --")
    .requiredOption("--tar <path>", "absolute path on that node")
    .requiredOption("--node <name>", "host that has the file");
  importing.action(async (name: string, words: string[], options: ImportOptions) => {
    await make(
      cli,
      await connect(cli, importing),
      imageOf(name, { tar: { path: options.tar, node: nodeName(options.node) } }, words),
      options,
    );
  });

  const list = command.command("list").alias("ls").description("Show images; as vctl get images");
  list
    .allowExcessArguments()
    .option("-o, --output <format>", "as vctl get")
    .action(async (options: { output?: string }) => {
      const get = command.createCommand("get").exitOverride().configureOutput(command.configureOutput());
      get.parent = command.parent; // for the options before the verb
      configureGet(get, cli);
      await get.parseAsync(["images", ...(options.output === undefined ? [] : ["-o", options.output])], {
        from: "user",
      });
    });
}

function addMakeOptions(command: Command): Command {
  return addWriteOptions(command)
    .option("--detach", "do not wait until it is ready")
    .option("--timeout <duration>", "how long to wait; 0: for ever", parseDurationMs, 1_800_000);
}

function imageOf(name: string, source: Record<string, unknown>, words: readonly string[]): NewObject {
  return {
    apiVersion: "vfleet.dev/v1",
    kind: "Image",
    metadata: { name },
    spec: { source, ...(words.length === 0 ? {} : { command: words }) },
  };
}

async function make(cli: Cli, client: ApiClient, manifest: NewObject, options: MakeOptions): Promise<void> {
  formatterOf(options.output);
  const object = await createFrom(client, { type: imageKind, namespace: undefined, manifest }, options);
  print(cli.output, resultText({ type: imageKind, object, done: "created" }, options));
  if (options.detach !== true && options.dryRun === "none")
    await waitReady(cli, client, object.metadata.name, options.timeout);
}

async function waitReady(cli: Cli, client: ApiClient, name: string, timeoutMs: number): Promise<void> {
  const progress = new Progress(cli.error);
  const signal = deadlineSignal(cli, timeoutMs);
  const startMs = cli.environment.monotonicMs();
  let said = "";
  try {
    for await (const object of followObject(client, imageKind, { name, signal, environment: cli.environment })) {
      if (object === undefined) throw fail("object-gone", { what: `Image "${name}"` });
      const status = statusSchema.parse(object["status"] ?? {}) ?? {};
      const { phase = "Pending" } = status;
      const why = reasonText(status);
      if (phase === "Failed")
        throw fail(
          "image-failed",
          { name, reason: why || "no reason given" },
          { hint: `See: vctl describe image ${name}` },
        );
      if (phase === "Ready") {
        progress.line(`image/${name} is Ready after ${Math.round((cli.environment.monotonicMs() - startMs) / 1000)} s`);
        return;
      }
      const line = `image/${name} is ${phase}${status.builderNode === undefined ? "" : ` on ${status.builderNode}`}${why === "" ? "" : `: ${why}`}`;
      if (line !== said) progress.line(line);
      said = line;
    }
  } catch (thrown) {
    if (cli.signal.aborted)
      print(cli.error, `Stopped waiting; image "${name}" goes on being made. To follow it: vctl get image ${name} -w`);
    else if (signal.aborted)
      throw fail(
        "timed-out",
        { what: `image "${name}"` },
        { hint: `It goes on being made. To follow it: vctl get image ${name} -w` },
      );
    throw thrown;
  }
}
