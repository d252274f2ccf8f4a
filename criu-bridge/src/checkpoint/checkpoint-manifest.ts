import { existsSync, readFileSync } from "node:fs";
import { hostVersionsSchema, messageOf, writeDurably } from "@vfleet/shared";
import { z } from "zod";
import { fail } from "../errors.ts";
import { checkpointFolder } from "./checkpoint-folder.ts";
import { plainSealing, type Sealing } from "./kept/sealing.ts";

export const manifestVersion = 1;
/** One folder deep, and nothing that leads out of it. */
const memberName = /^(?:checkpoint\/)?[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/;
export const memberLimit = 100_000;

export function isMemberName(name: string): boolean {
  return memberName.test(name);
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const memberSchema = z.strictObject({
  name: z.string().regex(memberName),
  bytes: z.number().int().min(0),
  sha256: digest,
});
export type CheckpointMember = z.infer<typeof memberSchema>;

const keptSchema = z.strictObject({
  /** What it took of the disk: what other checkpoints had already is not counted. */
  storedBytes: z.number().int().min(0),
  /** Of the file that says which chunks the larger members are kept in. */
  index: z.strictObject({ bytes: z.number().int().min(0), sha256: digest }),
  /** Of the key that all of it is encrypted with; none: it isn't. */
  keyId: z.string().optional(),
});
export type KeptParts = z.infer<typeof keptSchema>;

/** docs/formats/checkpoint.md */
const manifestSchema = z.strictObject({
  format: z.literal("vfleet-checkpoint"),
  version: z.literal(manifestVersion),
  id: z.string(),
  server: z.string(),
  node: z.string(),
  takenAt: z.string(),
  pauseMs: z.number().min(0),
  /** Pages that were written. */
  memoryBytes: z.number().int().min(0),
  versions: hostVersionsSchema,
  /** What the host's storage calls it. */
  volume: z.strictObject({ snapshot: z.string(), bytes: z.number().int().min(0) }),
  /** What the host was told to run, in its own words. */
  spec: z.record(z.string(), z.unknown()),
  members: z.array(memberSchema).max(memberLimit),
  /** How this host keeps it; in no archive. */
  kept: keptSchema.optional(),
});
export type CheckpointManifest = z.infer<typeof manifestSchema>;

/** Readable whatever the rest looks like. */
const headSchema = z.looseObject({ format: z.literal("vfleet-checkpoint"), version: z.number().int() });

/** What stands in front of one that is encrypted: so much can be read by everybody. */
const sealedSchema = z.looseObject({ keyId: z.string(), sealed: z.base64() });
const sealedAs = "manifest.json";

/** The folder is a checkpoint from here on, also after a power cut. */
export function writeManifest(stateFolder: string, manifest: CheckpointManifest, sealing: Sealing): Promise<void> {
  const { format, version, id } = manifest;
  const { keyId } = sealing;
  const text = JSON.stringify(manifestSchema.parse(manifest), undefined, 1);
  const sealed =
    keyId === undefined
      ? text
      : JSON.stringify(
          { format, version, id, keyId, sealed: sealing.seal(Buffer.from(text), sealedAs).toString("base64") },
          undefined,
          1,
        );
  return writeDurably(checkpointFolder(stateFolder, id).manifest, sealed);
}

/** Throws `checkpoint-missing`, `checkpoint-version`, `checkpoint-damaged`, `checkpoint-key-missing` or `checkpoint-key-wrong`. */
export function readManifest(stateFolder: string, id: string, sealing = plainSealing): CheckpointManifest {
  const path = checkpointFolder(stateFolder, id).manifest;
  if (!existsSync(path)) throw fail("checkpoint-missing", { checkpoint: id });
  const manifest = parseManifest(id, readFileSync(path, "utf8"), sealing);
  if (manifest.id === id) return manifest;
  const reason = `is that of ${JSON.stringify(manifest.id)}`;
  throw fail("checkpoint-damaged", { checkpoint: id, member: "manifest.json", reason });
}

/** `id`: for messages. Throws as `readManifest`. */
export function parseManifest(id: string, text: string, sealing = plainSealing): CheckpointManifest {
  const damaged = (reason: string, cause?: unknown) =>
    fail("checkpoint-damaged", { checkpoint: id, member: "manifest.json", reason }, { cause });
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (thrown) {
    throw damaged(`is no JSON: ${messageOf(thrown)}`, thrown);
  }
  const head = headSchema.safeParse(found);
  if (!head.success) throw damaged("is no manifest of a checkpoint");
  if (head.data.version !== manifestVersion)
    throw fail("checkpoint-version", { checkpoint: id, found: head.data.version, known: manifestVersion });
  const encrypted = sealedSchema.safeParse(found);
  if (encrypted.success) {
    const { keyId, sealed } = encrypted.data;
    if (sealing.keyId === undefined) throw fail("checkpoint-key-missing", { checkpoint: id, keyId });
    if (sealing.keyId !== keyId) throw fail("checkpoint-key-wrong", { checkpoint: id, keyId, found: sealing.keyId });
    try {
      found = JSON.parse(sealing.open(Buffer.from(sealed, "base64"), sealedAs).toString());
    } catch (thrown) {
      throw damaged(messageOf(thrown), thrown);
    }
  }
  const manifest = manifestSchema.safeParse(found);
  if (!manifest.success) throw damaged(`has ${z.prettifyError(manifest.error).split("\n")[0] ?? "wrong fields"}`);
  return manifest.data;
}
