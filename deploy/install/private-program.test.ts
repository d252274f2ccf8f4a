import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { findLoader, launcherScript } from "./private-program.ts";

const folder = mkdtempSync("/tmp/vfleet-test-");
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("starts the program through the loader and libraries unpacked beside it", () => {
  const script = launcherScript({
    root: "/opt/vfleet/packages/criu-4.2.1-1",
    loader: "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    libraries: "usr/lib/x86_64-linux-gnu",
    program: "usr/sbin/criu",
  });
  expect(script).toMatch(/^#!\/bin\/sh\n/);
  expect(script).toContain('exec "$root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --argv0 criu');
});

test.each([
  ["x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"],
  ["aarch64-linux-gnu", "usr/lib/ld-linux-aarch64.so.1"],
])("finds the loader of %s", (triplet, loader) => {
  mkdirSync(`${folder}/usr/lib/${triplet}`, { recursive: true });
  writeFileSync(`${folder}/${loader}`, "");
  expect(findLoader(folder)).toEqual({ loader, libraries: `usr/lib/${triplet}` });
});
