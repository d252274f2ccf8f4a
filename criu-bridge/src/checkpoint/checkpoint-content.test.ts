import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { codeOf, messageOf } from "@vfleet/shared";
import { about } from "./about-checkpoint.fixture.ts";
import { CheckpointWriter, openCheckpoint } from "./checkpoint-content.ts";
import { purgeUnfinishedCheckpoints } from "./checkpoint-folder.ts";

let state = "";
beforeEach(() => void (state = mkdtempSync(join(tmpdir(), "content-"))));
afterEach(() => rmSync(state, { recursive: true }));

const memberOf = (name: string, content: string) => ({
  name,
  bytes: content.length,
  sha256: createHash("sha256").update(content).digest("hex"),
});
async function* chunks(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts).toString();
}
const failureOf = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (thrown: unknown) => `${codeOf(thrown)}: ${messageOf(thrown)}`,
    );

it("gives back what was added as streams and what was written into its folder", async () => {
  const writer = new CheckpointWriter(state, "one");
  await writer.add(memberOf("checkpoint/pages-1.img", "onetwo"), chunks("one", "two"));
  writeFileSync(join(writer.folder.images, "inventory.img"), "inventory");
  const manifest = await writer.seal(about);
  const content = openCheckpoint(state, "one");
  expect(content.manifest).toEqual(manifest);
  expect(manifest).toMatchObject({ id: "one", memoryBytes: 6 });
  expect(manifest.members).toEqual([
    memberOf("checkpoint/inventory.img", "inventory"),
    memberOf("checkpoint/pages-1.img", "onetwo"),
  ]);
  expect(await textOf(content.read("checkpoint/pages-1.img"))).toBe("onetwo");
  await content.verify();
});

it("is no checkpoint before it is sealed", async () => {
  const writer = new CheckpointWriter(state, "half");
  await writer.add(memberOf("spec.dump", "{}"), chunks("{}"));
  expect(await failureOf(() => openCheckpoint(state, "half"))).toMatch(/^checkpoint-missing/);
  expect(purgeUnfinishedCheckpoints(state)).toEqual(["half"]);
});

it("does not write over one that is there", async () => {
  await new CheckpointWriter(state, "one").seal(about);
  expect(await failureOf(() => new CheckpointWriter(state, "one"))).toMatch(/is there already/);
  expect(existsSync(join(state, "checkpoints", "one", "manifest.json"))).toBe(true);
});

const right = memberOf("checkpoint/pages-1.img", "onetwo");
it.each([
  ["is shorter", right, ["one"], /must have 6 bytes, found 3/],
  ["is longer", right, ["onetwo", "three"], /found more/],
  ["has another byte", right, ["onetwi"], /is not what was written/],
  ["leads out", { ...right, name: "../pages-1.img" }, ["onetwo"], /has no name of a member/],
])("refuses a member that %s, by its name", async (_what, member, texts, reason) => {
  const writer = new CheckpointWriter(state, "one");
  const failure = await failureOf(() => writer.add(member, chunks(...texts)));
  expect(failure).toMatch(/^checkpoint-damaged.*pages-1\.img/);
  expect(failure).toMatch(reason);
});

it("notices while a member is read that it was changed", async () => {
  const writer = new CheckpointWriter(state, "one");
  await writer.add(right, chunks("onetwo"));
  await writer.seal(about);
  const [chunk = ""] = readdirSync(writer.folder.chunks);
  writeFileSync(join(writer.folder.chunks, chunk), "onetwi");
  const content = openCheckpoint(state, "one");
  expect(await failureOf(() => textOf(content.read(right.name)))).toMatch(/^checkpoint-damaged.*pages-1\.img/);
  expect(await failureOf(() => textOf(content.read("checkpoint/none.img")))).toMatch(/is no member/);
});
