import { existsSync } from "node:fs";
import { moveModeSchema } from "@vfleet/shared";
import { z } from "zod";
import { identitySchema } from "./messages.ts";
import { readText, replaceFile } from "./operation-folders.ts";

/** What a new process of the agent must know to answer a hook that still waits. */
const sessionRecordSchema = z.strictObject({
  version: z.literal(1),
  side: z.enum(["source", "target"]),
  identity: identitySchema,
  /** Those of an agent before there were others. */
  mode: moveModeSchema.default("StopAndCopy"),
  /** Of runc. */
  container: z.string(),
  /** Nothing waits any more. */
  ended: z.boolean(),
  /** Of `runc checkpoint`, or of what fills memory. */
  pid: z.number().int().optional(),
});
export type SessionRecord = z.infer<typeof sessionRecordSchema>;

export function saveSession(file: string, record: SessionRecord): void {
  replaceFile(file, JSON.stringify(record));
}

/** None where there is no such file or it isn't whole: then nothing was promised to anybody. */
export function loadSession(file: string): SessionRecord | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return sessionRecordSchema.parse(JSON.parse(readText(file)));
  } catch {
    return undefined;
  }
}
