import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { type AnyObject, apiObjectSchema, getObject, type NewObject, patchObject } from "../api/objects.ts";
import { isNotFound } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { lastAppliedAnnotation, threeWayMerge } from "../resource/three-way-merge.ts";
import { createFrom, eachManifest, type PlacedManifest } from "./create.ts";
import { addFilenameOption, addWriteOptions, type WriteOptions } from "./write-options.ts";

interface ApplyOptions extends WriteOptions {
  filename?: string[];
}

export function configureApply(command: Command, cli: Cli): void {
  addWriteOptions(addFilenameOption(command)).action(async (options: ApplyOptions) => {
    if (options.filename === undefined) throw usageError("must specify -f", "For example: vctl apply -f server.yaml");
    formatterOf(options.output);
    const client = await connect(cli, command);
    await eachManifest(cli, client, { files: options.filename, doing: "applying" }, async (place, { file }) => {
      const { name } = place.manifest.metadata;
      if (name === undefined)
        throw usageError(`Cannot apply "${file}": metadata.name is needed`, "With generateName, use: vctl create -f");
      const { object, done } = await apply(client, { ...place, name }, options);
      print(cli.output, resultText({ type: place.type, object, done }, options));
    });
  });
}

async function apply(
  client: ApiClient,
  place: PlacedManifest & { name: string },
  options: WriteOptions,
): Promise<{ object: AnyObject; done: "created" | "configured" | "unchanged" }> {
  const wanted = withLastApplied(place.manifest);
  const current = await existing(client, place);
  if (current === undefined)
    return { object: await createFrom(client, { ...place, manifest: wanted }, options), done: "created" };
  const patch = threeWayMerge(lastApplied(current), wanted, current);
  if (patch === undefined) return { object: current, done: "unchanged" };
  if (options.dryRun === "client")
    return { object: apiObjectSchema.parse({ ...current, ...wanted }), done: "configured" };
  const object = await patchObject(client, place.type, { place, patch, dryRun: options.dryRun === "server" });
  // A patch that the server's defaults made empty changed nothing.
  return {
    object,
    done: object.metadata.resourceVersion === current.metadata.resourceVersion ? "unchanged" : "configured",
  };
}

async function existing(
  client: ApiClient,
  { type, namespace, name }: PlacedManifest & { name: string },
): Promise<AnyObject | undefined> {
  try {
    return await getObject(client, type, { namespace, name });
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

function withLastApplied(manifest: NewObject): NewObject {
  const { [lastAppliedAnnotation]: _, ...annotations } = manifest.metadata.annotations ?? {};
  const applied = { ...manifest, metadata: { ...manifest.metadata, annotations } };
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      annotations: { ...annotations, [lastAppliedAnnotation]: `${JSON.stringify(applied)}\n` },
    },
  };
}

function lastApplied(current: AnyObject): unknown {
  try {
    return JSON.parse(current.metadata.annotations?.[lastAppliedAnnotation] ?? "{}");
  } catch {
    return {}; // not ours, or damaged: then nothing is known to remove
  }
}
