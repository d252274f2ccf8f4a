import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { codeOf, messageOf } from "@vfleet/shared";
import { about } from "../about-checkpoint.fixture.ts";
import { PageMapImage } from "../../pages/page-map-image.ts";
import { entryFlags, pageBytes } from "../../pages/page-server-protocol.ts";
import type { PageEntry } from "../../pages/pages-frame.ts";
import { CheckpointWriter, openCheckpoint } from "../checkpoint-content.ts";
import { checkpointFolder, purgeUnfinishedCheckpoints, removeCheckpoint } from "../checkpoint-folder.ts";
import { readCheckpointKey, type CheckpointKey } from "./checkpoint-key.ts";
import { checkpointPages } from "./checkpoint-pages.ts";
import { windowBytes } from "./window-cuts.ts";

const { lazy, present } = entryFlags;
const pagesName = "checkpoint/pages-1.img";
const windowPages = windowBytes / pageBytes;
let state = "";
beforeEach(() => void (state = mkdtempSync(join(tmpdir(), "kept-"))));
afterEach(() => rmSync(state, { recursive: true }));

/** Two windows that are filled after the server runs, with a page between them that CRIU restores. */
const entries: PageEntry[] = [
  { address: windowBytes, pages: windowPages, flags: present | lazy },
  { address: 2 * windowBytes, pages: 1, flags: present },
  { address: 3 * windowBytes, pages: windowPages, flags: present | lazy },
];
const memory = randomBytes((2 * windowPages + 1) * pageBytes);
const inventory = "inventory";
const tmpfs = Buffer.concat([Buffer.alloc(2 * windowBytes), randomBytes(windowBytes >> 1)]);

async function keep(id: string, pages = memory, map = entries, key?: CheckpointKey) {
  const writer = new CheckpointWriter(state, id, key);
  const { images, runtimeSpec } = writer.folder;
  writeFileSync(join(images, "pages-1.img"), pages);
  writeFileSync(join(images, "pagemap-7.img"), pageMap(map));
  writeFileSync(join(images, "inventory.img"), inventory);
  writeFileSync(join(images, "tmpfs-dev-1.tar.gz.img"), tmpfs);
  writeFileSync(runtimeSpec, "{}");
  const { kept } = await writer.seal(about);
  return { content: openCheckpoint(state, id, key), storedBytes: kept?.storedBytes ?? 0 };
}

function pageMap(map: PageEntry[]): Buffer {
  const image = new PageMapImage(1);
  for (const entry of map) image.add(entry);
  return Buffer.from(image.bytes());
}

const failureOf = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (thrown: unknown) => `${codeOf(thrown)}: ${messageOf(thrown)}`,
    );
const sharedChunks = () => {
  const folder = join(state, "checkpoint-chunks");
  return existsSync(folder) ? readdirSync(folder).flatMap((prefix) => readdirSync(join(folder, prefix))) : [];
};

describe("a checkpoint that is kept in chunks", () => {
  it("gives back every member as it was", async () => {
    const { content } = await keep("one");
    expect(await buffer(content.read(pagesName))).toEqual(memory);
    expect(await buffer(content.read("checkpoint/tmpfs-dev-1.tar.gz.img"))).toEqual(tmpfs);
    expect((await buffer(content.read("checkpoint/inventory.img"))).toString()).toBe(inventory);
    expect(content.manifest.memoryBytes).toBe(memory.length);
    await content.verify();
    await content.check();
  });

  it("lays out images with holes for what is filled later, and gives that by page", async () => {
    const { content } = await keep("one");
    const into = join(state, "images");
    const pages = checkpointPages(await content.layImages(into))("pages-1.img");
    const eager = Buffer.alloc(memory.length);
    memory.copy(eager, windowBytes, windowBytes, windowBytes + pageBytes);
    expect(readFileSync(join(into, "pages-1.img"))).toEqual(eager);
    expect(readFileSync(join(into, "pagemap-7.img"))).toEqual(pageMap(entries));
    expect(readFileSync(join(into, "tmpfs-dev-1.tar.gz.img"))).toEqual(tmpfs);
    expect(statSync(into).mode & 0o777).toBe(0o711);
    const part = Buffer.alloc(3 * pageBytes);
    for (const at of [0, windowBytes - pageBytes, windowBytes]) {
      expect(pages.read(part, at)).toBe(part.length);
      expect(part).toEqual(memory.subarray(at, at + part.length));
    }
    expect(pages.read(part, memory.length - pageBytes)).toBe(pageBytes);
    expect(pages.read(part, memory.length)).toBe(0);
  });

  it("costs next to nothing where another has the same memory, also behind a page that appeared", async () => {
    const first = await keep("one");
    const page = randomBytes(pageBytes);
    const more = await keep("two", Buffer.concat([page, memory]), [
      { address: 0, pages: 1, flags: present },
      ...entries,
    ]);
    expect(first.storedBytes).toBeGreaterThan(memory.length);
    expect(more.storedBytes).toBeLessThan(2 * pageBytes);
    await more.content.verify();
  });

  it("keeps what another needs when one is deleted, and nothing else", async () => {
    await keep("one");
    const before = sharedChunks().length;
    const { content } = await keep(
      "two",
      Buffer.concat([memory.subarray(0, windowBytes), Buffer.alloc(pageBytes, 7)]),
      entries.slice(0, 2),
    );
    expect(sharedChunks()).toHaveLength(before + 1);
    await removeCheckpoint(state, "one");
    await content.verify();
    expect(sharedChunks()).toHaveLength(readdirSync(checkpointFolder(state, "two").chunks).length);
    await removeCheckpoint(state, "two");
    expect(sharedChunks()).toEqual([]);
  });

  it("leaves nothing where an agent ended in the middle", async () => {
    await keep("one");
    const chunks = sharedChunks();
    await keep("half", randomBytes(windowBytes), [{ address: 0, pages: windowPages, flags: present }]);
    rmSync(checkpointFolder(state, "half").manifest);
    expect(purgeUnfinishedCheckpoints(state)).toEqual(["half"]);
    expect(sharedChunks()).toEqual(chunks);
  });

  it("does not trust a chunk that is there: a damaged one is written anew", async () => {
    await keep("one");
    const chunk = largestChunk("one");
    flip(chunk);
    const { content, storedBytes } = await keep("two");
    expect(storedBytes).toBeGreaterThan(windowBytes);
    await content.verify();
    expect(await failureOf(() => openCheckpoint(state, "one").check())).toMatch(/^checkpoint-damaged/);
  });
});

function largestChunk(id: string): string {
  const { chunks } = checkpointFolder(state, id);
  const paths = readdirSync(chunks).map((name) => join(chunks, name));
  return paths.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] ?? "";
}

function flip(path: string): void {
  const content = readFileSync(path);
  content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
  // In its place: whoever links it sees it.
  writeFileSync(path, content);
}

describe.each(["check", "verify"] as const)("a %s notices", (look) => {
  const parts: [string, (id: string) => string, string][] = [
    ["the OCI configuration", (id) => checkpointFolder(state, id).runtimeSpec, "spec.dump"],
    ["an image", (id) => join(checkpointFolder(state, id).images, "inventory.img"), "checkpoint/inventory.img"],
    ["a page map", (id) => join(checkpointFolder(state, id).images, "pagemap-7.img"), "checkpoint/pagemap-7.img"],
    ["memory", largestChunk, pagesName],
    ["the index", (id) => checkpointFolder(state, id).index, "chunk-index"],
  ];
  it.each(parts)("that %s is gone, is longer, is shorter, or has another bit", async (_what, pathOf, member) => {
    await keep("one");
    const path = pathOf("one");
    const content = readFileSync(path);
    const failure = () => failureOf(() => openCheckpoint(state, "one")[look]());
    for (const damage of [
      () => rmSync(path),
      () => appendFileSync(path, "x"),
      () => writeFileSync(path, content.subarray(1)),
      () => flip(path),
    ]) {
      damage();
      expect(await failure()).toMatch(new RegExp(`^checkpoint-damaged: .*"one": "${member}"`));
      writeFileSync(path, content);
    }
    expect(await failure()).toBeUndefined();
  });

  it("that one chunk stands in another's place, and that a file was put in", async () => {
    await keep("one");
    const { chunks, images } = checkpointFolder(state, "one");
    const failure = () => failureOf(() => openCheckpoint(state, "one")[look]());
    const [a = "", b = ""] = readdirSync(chunks).map((name) => join(chunks, name));
    renameSync(a, `${a}.kept`);
    writeFileSync(a, readFileSync(b));
    expect(await failure()).toMatch(/^checkpoint-damaged/);
    renameSync(`${a}.kept`, a);
    writeFileSync(join(images, "core-7.img"), "");
    expect(await failure()).toMatch(/^checkpoint-damaged.*core-7\.img" is no member/);
  });
});

it("gives no page of a chunk that was damaged since it was checked", async () => {
  const { content } = await keep("one");
  const pages = checkpointPages(await content.layImages(join(state, "images")))("pages-1.img");
  for (const name of readdirSync(checkpointFolder(state, "one").chunks))
    flip(join(checkpointFolder(state, "one").chunks, name));
  expect(await failureOf(() => pages.read(Buffer.alloc(pageBytes), 0))).toMatch(/^checkpoint-damaged/);
});

describe("an encrypted checkpoint", () => {
  const run = () => join(state, "run");
  function keyFile(name: string, content: Buffer, mode = 0o600): string {
    const file = join(state, name);
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  }
  function makeKey(name: string): CheckpointKey {
    const file = keyFile(name, randomBytes(32));
    return { file, sealing: readCheckpointKey(file), plainFolder: run() };
  }
  const marked = Buffer.alloc(memory.length, "secret of the server ");
  const filesBelow = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  it("gives back every member and page, and nothing of it is on the disk in plain", async () => {
    const key = makeKey("key");
    const { content } = await keep("one", marked, entries, key);
    expect(await buffer(content.read(pagesName))).toEqual(marked);
    await content.verify();
    await content.check();
    const place = await content.layImages(join(run(), "images"));
    const page = Buffer.alloc(pageBytes);
    checkpointPages(place)("pages-1.img").read(page, pageBytes);
    expect(page).toEqual(marked.subarray(pageBytes, 2 * pageBytes));
    const { folder, manifest } = checkpointFolder(state, "one");
    const written = [...filesBelow(folder), ...filesBelow(join(state, "checkpoint-chunks"))];
    expect(written.length).toBeGreaterThan(5);
    for (const file of written) {
      const bytes = readFileSync(file);
      expect([file, bytes.includes("secret"), bytes.includes(inventory), bytes.includes("default/web")]).toEqual([
        file,
        false,
        false,
        false,
      ]);
    }
    expect(Object.keys(JSON.parse(readFileSync(manifest, "utf8")) as object)).toEqual([
      "format",
      "version",
      "id",
      "keyId",
      "sealed",
    ]);
    expect(existsSync(checkpointFolder(run(), "one").folder)).toBe(false);
  });

  it("shares chunks with those of the same key only, whose names say nothing of their bytes", async () => {
    const [key, other] = [makeKey("key"), makeKey("other")];
    await keep("plain");
    const first = await keep("one", memory, entries, key);
    expect(first.storedBytes).toBeGreaterThan(memory.length);
    expect((await keep("two", memory, entries, key)).storedBytes).toBeLessThan(8 * pageBytes);
    expect((await keep("three", memory, entries, other)).storedBytes).toBeGreaterThan(memory.length);
    const names = ["plain", "one", "three"].map((id) => readdirSync(checkpointFolder(state, id).chunks));
    expect(new Set(names.flat()).size).toBe(names.flat().length);
  });

  it("says which key it needs, and reads one from before there was a key", async () => {
    const key = makeKey("key");
    await keep("one", memory, entries, key);
    expect(await failureOf(() => openCheckpoint(state, "one"))).toMatch(/^checkpoint-key-missing: .*encryptionKeyFile/);
    expect(await failureOf(() => openCheckpoint(state, "one", makeKey("other")))).toMatch(/^checkpoint-key-wrong/);
    await keep("plain");
    await openCheckpoint(state, "plain", key).verify();
  });

  it.each<[string, (id: string) => string]>([
    ["an image", (id) => join(checkpointFolder(state, id).images, "inventory.img")],
    ["memory", largestChunk],
    ["the index", (id) => checkpointFolder(state, id).index],
  ])("notices that a bit of %s is another", async (_what, pathOf) => {
    const key = makeKey("key");
    await keep("one", memory, entries, key);
    flip(pathOf("one"));
    for (const look of ["check", "verify"] as const)
      expect(await failureOf(() => openCheckpoint(state, "one", key)[look]())).toMatch(/^checkpoint-damaged/);
  });

  it("notices that its manifest was changed", async () => {
    const key = makeKey("key");
    await keep("one", memory, entries, key);
    const { manifest } = checkpointFolder(state, "one");
    const found = JSON.parse(readFileSync(manifest, "utf8")) as { sealed: string };
    writeFileSync(manifest, JSON.stringify({ ...found, sealed: `AAAA${found.sealed.slice(4)}` }));
    expect(await failureOf(() => openCheckpoint(state, "one", key))).toMatch(/^checkpoint-damaged.*manifest\.json/);
  });

  it.each<[string, () => string, RegExp]>([
    ["others may read", () => keyFile("key", randomBytes(32), 0o640), /its mode is 640/],
    ["is too short", () => keyFile("key", randomBytes(31)), /must have 32 bytes, found 31/],
    ["isn't there", () => join(state, "none"), /ENOENT/],
  ])("is not made with a key that %s", (_what, fileOf, reason) => {
    expect(() => readCheckpointKey(fileOf())).toThrow(reason);
  });
});
