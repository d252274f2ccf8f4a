import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { codeOf } from "@vfleet/shared";
import { about } from "./about-checkpoint.fixture.ts";
import { CheckpointWriter, openCheckpoint } from "./checkpoint-content.ts";
import { checkpointFolder, listCheckpoints, purgeUnfinishedCheckpoints } from "./checkpoint-folder.ts";
import { readManifest, type CheckpointManifest } from "./checkpoint-manifest.ts";

const id = "first";
const files = ["spec.dump", "checkpoint/inventory.img", "checkpoint/pages-1.img"];
let state = "";
let place = checkpointFolder(state, id);
let written: CheckpointManifest;
beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), "checkpoint-"));
  const writer = new CheckpointWriter(state, id);
  place = writer.folder;
  for (const name of files) writeFileSync(join(place.folder, name), `content of ${name}`);
  written = await writer.seal(about);
});
afterEach(() => rmSync(state, { recursive: true }));

const failureOf = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(() => undefined, codeOf);

it("is read as it was written, and found whole", async () => {
  expect(readManifest(state, id)).toEqual(written);
  expect(readManifest(state, id).members.map(({ name }) => name)).toEqual(files.toSorted());
  await openCheckpoint(state, id).verify();
  await openCheckpoint(state, id).check();
});

it.each([
  ["is no JSON", "{", "checkpoint-damaged"],
  ["is something else", "[]", "checkpoint-damaged"],
  [
    "is of a newer version",
    JSON.stringify({ format: "vfleet-checkpoint", version: 2, more: [] }),
    "checkpoint-version",
  ],
  ["lacks fields", JSON.stringify({ format: "vfleet-checkpoint", version: 1 }), "checkpoint-damaged"],
])("refuses a manifest that %s", async (_what, text, code) => {
  writeFileSync(place.manifest, text);
  expect(await failureOf(() => readManifest(state, id))).toBe(code);
});

it.each(["../../etc/passwd", "/etc/passwd", "checkpoint/../x", "a/b/c", ".hidden"])(
  "refuses a member named %s",
  async (name) => {
    const changed = structuredClone(written);
    const [first] = changed.members;
    if (first !== undefined) first.name = name;
    writeFileSync(place.manifest, JSON.stringify(changed));
    expect(await failureOf(() => readManifest(state, id))).toBe("checkpoint-damaged");
  },
);

it("refuses the manifest of another checkpoint", async () => {
  const other = checkpointFolder(state, "second");
  mkdirSync(other.folder);
  writeFileSync(other.manifest, readFileSync(place.manifest));
  expect(await failureOf(() => readManifest(state, "second"))).toBe("checkpoint-damaged");
});

it("is no checkpoint without its manifest, and is purged", () => {
  const half = checkpointFolder(state, "half");
  mkdirSync(half.images, { recursive: true });
  expect(listCheckpoints(state)).toEqual([id]);
  expect(purgeUnfinishedCheckpoints(state)).toEqual(["half"]);
  expect([existsSync(half.folder), existsSync(place.folder)]).toEqual([false, true]);
  expect(() => readManifest(state, "half")).toThrow("not on this host");
});
