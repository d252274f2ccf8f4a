import { expect, test } from "vitest";
import { findMirror } from "./mirror.ts";

function printed(...suites: readonly string[]): string {
  return suites.map((suite) => `'http://${suite}/InRelease' ${suite.replaceAll("/", "_")}_InRelease 0 `).join("\n");
}

test("prefers the source that has Debian's updates over others that publish for the same release", () => {
  const uris = printed(
    "other.example/linux/debian/dists/bookworm",
    "m.example/debian/dists/bookworm",
    "m.example/debian/dists/bookworm-updates",
  );
  expect(findMirror(uris, "bookworm")).toBe("http://m.example/debian");
});

test("understands a machine that follows a release by its state", () => {
  expect(findMirror(printed("m.example/debian/dists/stable"), "trixie")).toBe("http://m.example/debian");
});

test("takes neither the security archive nor another vendor's suite for the mirror", () => {
  const uris = printed("m.example/debian-security/dists/bookworm-security", "tools.example/apt/dists/tools-bookworm");
  expect(findMirror(uris, "bookworm")).toBeUndefined();
});
