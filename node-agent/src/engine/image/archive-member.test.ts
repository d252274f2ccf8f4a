import { expect, it } from "vitest";
import { archiveLimits } from "./archive-limits.ts";
import { judgeMember } from "./archive-member.ts";
import type { MemberHeader } from "./archive-member.ts";

function header(change: Partial<MemberHeader>): MemberHeader {
  return { name: "etc/passwd", type: "file", size: 1, uid: 0, gid: 0, linkname: null, ...change };
}

it.each([
  ["an absolute path", { name: "/etc/passwd" }],
  ["a path that goes up", { name: "a/../../b" }],
  ["NUL in a path", { name: "a\0b" }],
  ["a long path", { name: "a/".repeat(3000) }],
  ["a deep path", { name: "a/".repeat(100) }],
  ["an owner outside of the block", { uid: 65_536 }],
  ["a negative owner", { gid: -1 }],
  ["a hard link that leaves the root", { type: "link", linkname: "../../etc/shadow" }],
  ["a hard link to an absolute path", { type: "link", linkname: "/etc/shadow" }],
])("refuses %s", (_what, change) => {
  expect(judgeMember(header(change), archiveLimits)).toHaveProperty("refuse");
});

it.each(["character-device", "block-device", "fifo"])("leaves out %s", (type) => {
  expect(judgeMember(header({ type }), archiveLimits)).toHaveProperty("skip");
});

it("takes paths from the root, however they are written", () => {
  expect(judgeMember(header({ name: "./usr//bin/", type: "directory" }), archiveLimits)).toEqual({
    take: "usr/bin",
    link: undefined,
  });
  expect(judgeMember(header({ name: "./", type: "directory" }), archiveLimits)).toEqual({ take: "", link: undefined });
  expect(judgeMember(header({ name: "b", type: "link", linkname: "./a" }), archiveLimits)).toEqual({
    take: "b",
    link: "a",
  });
});

it("takes symbolic links wherever they point", () => {
  expect(judgeMember(header({ name: "bin", type: "symlink", linkname: "/usr/bin" }), archiveLimits)).toEqual({
    take: "bin",
    link: "/usr/bin",
  });
});
