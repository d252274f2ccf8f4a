import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { messageOf } from "@vfleet/shared";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import type { NewObject } from "../api/objects.ts";
import type { Cli } from "../cli.ts";
import { fail } from "../fail.ts";

export interface Manifest {
  /** For messages. */
  file: string;
  object: NewObject;
}

const manifestSchema = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }).prefault({}),
});
const listSchema = z.looseObject({ items: z.array(z.unknown()) });
const extensions = [".yaml", ".yml", ".json"];

/** The objects of files, folders (their `.yaml`, `.yml` and `.json`, in order of name) and `-`. Lists are taken apart. */
export async function readManifests(cli: Cli, sources: readonly string[]): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const source of sources) {
    if (source === "-") manifests.push(...parseManifests("STDIN", await readText(cli.input)));
    else for (const file of filesOf(source)) manifests.push(...parseManifests(file, read(file)));
  }
  if (manifests.length === 0)
    throw fail("manifest-unreadable", { file: sources.join(", "), reason: "no objects passed to vctl" });
  return manifests;
}

export function parseManifests(file: string, text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined)
      throw fail(
        "manifest-unreadable",
        { file, reason: error.message.split("\n")[0]?.replace(/:$/, "") ?? "" },
        { cause: error },
      );
    const value: unknown = document.toJS();
    return value === null ? [] : objectsOf(file, value);
  });
}

function objectsOf(file: string, value: unknown): Manifest[] {
  const object = manifestSchema.safeParse(value);
  if (!object.success)
    throw fail("manifest-unreadable", {
      file,
      reason: object.error.issues
        .map(({ path, message }) => `${path.join(".") || "the object"}: ${message}`)
        .join("; "),
    });
  if (!object.data.kind.endsWith("List")) return [{ file, object: object.data as NewObject }]; // metadata's other members are the server's to check
  const list = listSchema.safeParse(value);
  return list.success ? list.data.items.flatMap((item) => objectsOf(file, item)) : [];
}

function filesOf(source: string): string[] {
  try {
    if (!statSync(source).isDirectory()) return [source];
    return readdirSync(source)
      .filter((name) => extensions.includes(extname(name)))
      .toSorted()
      .map((name) => join(source, name));
  } catch (thrown) {
    throw fail("manifest-unreadable", { file: source, reason: messageOf(thrown) }, { cause: thrown });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw fail("manifest-unreadable", { file, reason: messageOf(thrown) }, { cause: thrown });
  }
}
