import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import type { Header } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importRoot } from "./import-root.ts";

let scratch: string;
let root: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "import-"));
  root = mkdtempSync(join(scratch, "root-"));
});
afterEach(() => rmSync(scratch, { recursive: true }));

type Member = Partial<Header> & { name: string; content?: string };

async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of members) archive.entry(header, content ?? "");
  archive.finalize();
  return buffer(archive);
}

async function imported(tar: Buffer) {
  const file = join(scratch, "archive");
  writeFileSync(file, tar);
  return importRoot(file, root);
}

describe("importing a root", () => {
  it("keeps owners, modes, links and content", async () => {
    await imported(
      await tarOf([
        { name: "./", type: "directory" },
        { name: "usr/bin/", type: "directory", mode: 0o755 },
        { name: "usr/bin/su", mode: 0o4755, uid: 0, gid: 42, content: "program" },
        { name: "usr/bin/again", type: "link", linkname: "usr/bin/su" },
        { name: "bin", type: "symlink", linkname: "/usr/bin" },
        { name: "home/guest", type: "directory", uid: 1000, gid: 1000, mode: 0o700 },
      ]),
    );
    const su = statSync(join(root, "usr/bin/su"));
    expect([su.mode & 0o7777, su.gid, su.nlink]).toEqual([0o4755, 42, 2]);
    expect(readFileSync(join(root, "usr/bin/again"), "utf8")).toBe("program");
    expect(readlinkSync(join(root, "bin"))).toBe("/usr/bin");
    expect(statSync(join(root, "home/guest")).uid).toBe(1000);
  });

  it("has one digest however it is compressed", async () => {
    const tar = await tarOf([{ name: "file", content: "x" }]);
    const { digest } = await imported(tar);
    rmSync(join(root, "file"));
    expect(await imported(gzipSync(tar))).toEqual({ digest, sizeBytes: tar.length });
  });

  it("leaves device nodes and pipes out", async () => {
    await imported(
      await tarOf([
        { name: "dev/sda", type: "block-device", devmajor: 8, devminor: 0 },
        { name: "pipe", type: "fifo" },
        { name: "file" },
      ]),
    );
    expect(readdirSync(root)).toEqual(["file"]);
  });

  it.each([
    ["goes up", [{ name: "../outside", content: "x" }]],
    ["is absolute", [{ name: "/outside", content: "x" }]],
    ["links to a file outside", [{ name: "link", type: "link", linkname: "../../etc/passwd" }]],
    [
      "writes through a link",
      [
        { name: "out", type: "symlink", linkname: "/" },
        { name: "out/outside", content: "x" },
      ],
    ],
    [
      "links through a link",
      [
        { name: "out", type: "symlink", linkname: "/etc" },
        { name: "file", type: "link", linkname: "out/passwd" },
      ],
    ],
    ["belongs to a user outside of the block", [{ name: "file", uid: 70_000 }]],
  ] satisfies [string, Member[]][])("refuses a member that %s, by its name", async (_what, members) => {
    await expect(imported(await tarOf(members))).rejects.toMatchObject({
      code: "image-archive-invalid",
      message: expect.stringContaining(members.at(-1)?.name ?? ""),
    });
    expect(existsSync("/outside") || existsSync(join(scratch, "outside"))).toBe(false);
  });

  it("replaces a link by a later member of its name, not what it points to", async () => {
    writeFileSync(join(scratch, "outside"), "untouched");
    await imported(
      await tarOf([
        { name: "file", type: "symlink", linkname: join(scratch, "outside") },
        { name: "file", content: "x" },
      ]),
    );
    expect(lstatSync(join(root, "file")).isFile()).toBe(true);
    expect(readFileSync(join(scratch, "outside"), "utf8")).toBe("untouched");
  });

  it("refuses an archive that is cut, and one that is none", async () => {
    const tar = await tarOf([{ name: "file", content: "x".repeat(100_000) }]);
    await expect(imported(tar.subarray(0, 50_000))).rejects.toMatchObject({ code: "image-archive-invalid" });
    await expect(imported(Buffer.from("no archive at all".repeat(100)))).rejects.toMatchObject({
      code: "image-archive-invalid",
    });
  });
});
