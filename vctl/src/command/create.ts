import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { type AnyObject, apiObjectSchema, createObject, type NewObject } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { formatterOf, resultText } from "../output/format.ts";
import { printError } from "../print-error.ts";
import { type Manifest, readManifests } from "../resource/manifests.ts";
import { resolveManifestType, type ResourceType } from "../resource/resource-type.ts";
import { addFilenameOption, addWriteOptions, type WriteOptions } from "./write-options.ts";

interface CreateOptions extends WriteOptions {
  filename?: string[];
}

export function configureCreate(command: Command, cli: Cli): void {
  addWriteOptions(addFilenameOption(command)).action(async (options: CreateOptions) => {
    if (options.filename === undefined)
      throw usageError("must specify -f", "For example: vctl create -f server.yaml, vctl create namespace web");
    formatterOf(options.output);
    const client = await connect(cli, command);
    await eachManifest(cli, client, { files: options.filename, doing: "creating" }, async (place) => {
      const object = await createFrom(client, place, options);
      print(cli.output, resultText({ type: place.type, object, done: "created" }, options));
    });
  });
  const namespace = command.command("namespace").alias("ns").argument("<name>").description("Create a namespace");
  namespace.action(async (name: string) => {
    const options = namespace.optsWithGlobals<WriteOptions>(); // the flags are those of create
    const client = await connect(cli, namespace);
    const manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    const type = await resolveManifestType("v1", "Namespace", client);
    const object = await createFrom(client, { type, manifest, namespace: undefined }, options);
    print(cli.output, resultText({ type, object, done: "created" }, options));
  });
}

/** An object of a file, and where it goes. */
export interface PlacedManifest {
  type: ResourceType;
  namespace: string | undefined;
  manifest: NewObject;
}

export async function createFrom(
  client: ApiClient,
  { type, namespace, manifest }: PlacedManifest,
  options: WriteOptions,
): Promise<AnyObject> {
  if (options.dryRun === "client")
    return apiObjectSchema.parse({ ...manifest, metadata: { name: "", ...manifest.metadata } });
  return createObject(client, type, { object: manifest, namespace, dryRun: options.dryRun === "server" });
}

/** Acts on every object of the files; one that fails is reported and the rest still done. */
export async function eachManifest(
  cli: Cli,
  client: ApiClient,
  { files, doing }: { files: readonly string[]; doing: string },
  act: (place: PlacedManifest, manifest: Manifest) => Promise<void>,
): Promise<void> {
  for (const manifest of await readManifests(cli, files)) {
    try {
      const type = await resolveManifestType(manifest.object.apiVersion, manifest.object.kind, client);
      const namespace = type.namespaced ? (manifest.object.metadata.namespace ?? client.namespace) : undefined;
      const metadata = { ...manifest.object.metadata, ...(namespace === undefined ? {} : { namespace }) };
      await act({ type, namespace, manifest: { ...manifest.object, metadata } }, manifest);
    } catch (thrown) {
      if (!(thrown instanceof StatusError)) throw thrown;
      printError(cli, thrown.during(`error when ${doing} "${manifest.file}"`));
      cli.exitCode = 1;
    }
  }
}
