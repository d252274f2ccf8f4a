import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { extract, pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckpointWriter, openCheckpoint, type CheckpointManifest } from "@vfleet/criu-bridge";
import { codeOf, messageOf } from "@vfleet/shared";
import { assignmentForTests } from "../../reconcile/assignment.fixture.ts";
import { packCheckpoint } from "./pack-checkpoint.ts";
import { unpackCheckpoint } from "./unpack-checkpoint.ts";

interface Member {
  name: string;
  type?: "file" | "symlink" | "link" | "character-device" | "directory";
  linkname?: string;
  pax?: Record<string, string>;
  content: Buffer;
}

const volume = Buffer.alloc(9 << 20, "volume");
let state = "";
let manifest: CheckpointManifest;
let members: Member[];
let received = "";
beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), "archive-"));
  const writer = new CheckpointWriter(state, "one");
  writeFileSync(join(writer.folder.folder, "spec.dump"), "{}");
  writeFileSync(join(writer.folder.images, "inventory.img"), "inventory");
  writeFileSync(join(writer.folder.images, "pages-1.img"), Buffer.alloc(100_000, "p"));
  manifest = await writer.seal({
    server: "default/web",
    node: "a",
    takenAt: "2026-01-01T00:00:00.000Z",
    pauseMs: 12,
    versions: {
      criu: "4.2.1",
      runc: "1.1.5",
      kernel: "6.1",
      architecture: "x64",
      cgroup: "v2",
      cpuFlags: [],
      dirtyTracking: false,
    },
    volume: { snapshot: "../../elsewhere", bytes: volume.length },
    spec: { ...assignmentForTests() },
  });
  members = await membersOf(packCheckpoint(openCheckpoint(state, "one"), Readable.from([volume])));
  received = "";
});
afterEach(() => rmSync(state, { recursive: true }));

async function membersOf(archive: Readable): Promise<Member[]> {
  const found: Member[] = [];
  const reader = extract();
  archive.pipe(reader);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    const { name, pax } = entry.header;
    found.push({ name, content: Buffer.concat(chunks), ...(pax ? { pax: pax as Record<string, string> } : {}) });
  }
  return found;
}

async function archiveOf(list: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, type = "file", linkname, pax, content } of list) {
    const more = { ...(linkname === undefined ? {} : { linkname }), ...(pax === undefined ? {} : { pax }) };
    archive.entry({ name, type, size: content.length, ...more }, content);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function unpack(archive: Buffer | Promise<Buffer>, expectedId?: string) {
  return unpackCheckpoint(Readable.from([await archive]), {
    stateFolder: state,
    volumesFolder: state,
    id: "two",
    snapshot: "checkpoint.two",
    ...(expectedId === undefined ? {} : { expectedId }),
    receiveVolume: async (stream) => {
      const hash = createHash("sha256");
      for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
      received = hash.digest("hex");
    },
  });
}
const failureOf = (archive: Buffer | Promise<Buffer>, expectedId?: string) =>
  unpack(archive, expectedId).then(
    () => "none",
    (thrown: unknown) => `${codeOf(thrown)} ${messageOf(thrown)}`,
  );
const changed = (name: string, change: (member: Member) => Member) =>
  members.map((member) => (member.name === name ? change(member) : member));
const flip = (member: Member) => {
  const content = Buffer.from(member.content);
  content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
  return { ...member, content };
};
const names = [
  "spec.dump",
  "checkpoint/inventory.img",
  "checkpoint/pages-1.img",
  "volume/000000",
  "volume/000001",
  "volume/000002",
];

it("has the members that podman and checkpointctl look for, in one order", () => {
  expect(members.map(({ name }) => name)).toEqual([
    "manifest.json",
    "config.dump",
    "checkpoint/inventory.img",
    "checkpoint/pages-1.img",
    "spec.dump",
    "volume/000000",
    "volume/000001",
    "volume/000002",
    "volume.json",
  ]);
  const config = JSON.parse(members[1]?.content.toString() ?? "") as object;
  expect(config).toMatchObject({ id: "one", name: "default-web", runtime: "runc", rootfsImageName: "debian" });
});

it("is the same checkpoint where it is unpacked, under its new id and the host's own name of the volume", async () => {
  const kept = await unpack(archiveOf(members));
  expect({ ...kept, kept: undefined }).toEqual({
    ...manifest,
    kept: undefined,
    id: "two",
    volume: { ...manifest.volume, snapshot: "checkpoint.two" },
  });
  expect(received).toBe(createHash("sha256").update(volume).digest("hex"));
  await openCheckpoint(state, "two").verify();
});

describe("is refused with the member's name, and nothing is left, where", () => {
  it.each(names)("%s has another bit", async (name) => {
    expect(await failureOf(archiveOf(changed(name, flip)))).toMatch(`checkpoint-damaged`);
    expect(await failureOf(archiveOf(changed(name, flip)))).toContain(`"${name}"`);
    expect(existsSync(join(state, "checkpoints", "two"))).toBe(false);
    expect(received).toBe("");
  });

  it.each([...names, "volume.json"])("%s is missing", async (name) => {
    const failure = await failureOf(archiveOf(members.filter((member) => member.name !== name)));
    expect(failure).toMatch(/^checkpoint-damaged/);
    // What comes in place of a part of the volume says so.
    expect(failure).toMatch(name.startsWith("volume/") ? /"volume/ : `"${name}"`);
    expect(existsSync(join(state, "checkpoints", "two"))).toBe(false);
  });

  it.each(names)("%s is shorter or longer", async (name) => {
    for (const content of [Buffer.from("short"), Buffer.alloc(5 << 20, "long")])
      expect(await failureOf(archiveOf(changed(name, (member) => ({ ...member, content }))))).toMatch(
        new RegExp(`^checkpoint-damaged.*"${name}"`),
      );
  });

  it.each(names)("%s comes twice", async (name) => {
    const twice = members.flatMap((member) => (member.name === name ? [member, member] : [member]));
    expect(await failureOf(archiveOf(twice))).toMatch(new RegExp(`^checkpoint-damaged.*"${name}"`));
  });

  it("was cut anywhere", async () => {
    const whole = await archiveOf(members);
    for (const share of [0, 0.001, 0.2, 0.5, 0.9, 0.999])
      expect(await failureOf(whole.subarray(0, Math.floor(whole.length * share)))).toMatch(/^checkpoint-damaged/);
    expect(readdirSync(join(state, "checkpoints"))).toEqual(["one"]);
  });

  const file = (name: string): Member => ({ name, content: Buffer.from("x") });
  it.each<[string, Member]>([
    ["a stranger", file("checkpoint/core-9.img")],
    ["a path that leads up", file("../../etc/passwd")],
    ["an absolute path", file("/etc/passwd")],
    ["a path that leads up from a folder", file("checkpoint/../../x")],
    ["a link", { ...file("checkpoint/link"), type: "symlink", linkname: "/etc/passwd", content: Buffer.alloc(0) }],
    ["a hard link", { ...file("checkpoint/hard"), type: "link", linkname: "spec.dump", content: Buffer.alloc(0) }],
    ["a device", { ...file("checkpoint/null"), type: "character-device", content: Buffer.alloc(0) }],
    ["a folder", { ...file("checkpoint"), type: "directory", content: Buffer.alloc(0) }],
  ])("there is %s in it", async (_what, member) => {
    const [first = member, ...others] = members;
    const failure = await failureOf(archiveOf([first, member, ...others]));
    expect(failure).toMatch(/^checkpoint-damaged/);
    expect(failure).toContain(`"${member.name}`);
    expect(readdirSync(join(state, "checkpoints"))).toEqual(["one"]);
  });

  it("its manifest is of a newer version, another checkpoint's, or too large", async () => {
    const text = (more: object) => Buffer.from(JSON.stringify({ ...manifest, ...more }));
    const withManifest = (content: Buffer) => archiveOf(changed("manifest.json", (member) => ({ ...member, content })));
    expect(await failureOf(withManifest(text({ version: 99 })))).toMatch(/^checkpoint-version/);
    expect(await failureOf(archiveOf(members), "three")).toMatch(/^checkpoint-damaged.*is that of "one"/);
    const huge = [{ name: "pages-1.img", bytes: 2 ** 50, sha256: "0".repeat(64) }];
    expect(await failureOf(withManifest(text({ members: huge })))).toMatch(/^checkpoint-no-room/);
    expect(await failureOf(archiveOf(members.slice(1)))).toMatch(/^checkpoint-damaged.*must come after manifest/);
  });
});
