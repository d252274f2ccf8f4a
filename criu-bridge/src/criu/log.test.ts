import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { firstCriuError } from "./log.ts";

const folder = mkdtempSync(join(tmpdir(), "criu-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function errorOf(text: string): string | undefined {
  const file = join(folder, "x.log");
  writeFileSync(file, text);
  return firstCriuError(file);
}

it("finds the reason among its consequences", () => {
  const text = `(00.000886) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.1) pie: 1: doing fine
(00.053759)      1: Error (criu/image.c:635): Unable to open tty-info.img: Permission denied
(00.057056) Error (criu/cr-restore.c:2331): Restoring FAILED.
`;
  expect(errorOf(text)).toBe("Unable to open tty-info.img: Permission denied (criu/image.c:635)");
});

it("has none where there is no error, and no file", () => {
  expect(errorOf("(00.1) all is well\n")).toBeUndefined();
  expect(firstCriuError(join(folder, "missing"))).toBeUndefined();
});
