import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fail } from "../errors.ts";
import type { CheckpointMember } from "./checkpoint-manifest.ts";

const readBytes = 1 << 20;

/** Puts every file of a checkpoint's folder on the disk and gives its digest, unless that is known. */
export async function sealMembers(
  folder: string,
  known: ReadonlyMap<string, CheckpointMember>,
): Promise<CheckpointMember[]> {
  const members: CheckpointMember[] = [];
  for (const name of memberNames(folder)) {
    const path = join(folder, name);
    await syncFile(path);
    members.push(known.get(name) ?? { name, bytes: statSync(path).size, sha256: await digestOf(path) });
  }
  // Its name, too: a new folder's is in the one above it.
  for (const place of [join(folder, "checkpoint"), folder, dirname(folder)]) await syncFile(place);
  return members;
}

/** Throws `checkpoint-damaged` where a member is gone, is other than it was, or was put in. */
export async function verifyMembers(
  folder: string,
  { id, members }: { id: string; members: readonly CheckpointMember[] },
): Promise<void> {
  const damaged = (member: string, reason: string) => fail("checkpoint-damaged", { checkpoint: id, member, reason });
  for (const { name, bytes, sha256 } of members) {
    const path = join(folder, name);
    if (!existsSync(path)) throw damaged(name, "is gone");
    const found = statSync(path).size;
    if (found !== bytes) throw damaged(name, `must have ${bytes} bytes, found ${found}`);
    if ((await digestOf(path)) !== sha256) throw damaged(name, "is not what was written");
  }
  const known = new Set(members.map(({ name }) => name));
  const stranger = memberNames(folder).find((name) => !known.has(name));
  if (stranger !== undefined) throw damaged(stranger, "is no member of it");
}

/** All but the manifest. */
function memberNames(folder: string): string[] {
  const top = readdirSync(folder, { withFileTypes: true });
  const own = top.filter((entry) => !entry.isDirectory() && !entry.name.startsWith("manifest.json"));
  const below = top
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(folder, name)).map((child) => `${name}/${child}`));
  return [...own.map(({ name }) => name), ...below].toSorted();
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: readBytes })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
