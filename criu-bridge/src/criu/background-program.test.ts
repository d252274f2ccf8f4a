import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { startInBackground } from "./background-program.ts";

const folder = mkdtempSync(join(tmpdir(), "background-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const searchPath = process.env["PATH"] ?? "";

it("ends a program with what it has started", async () => {
  const pidFile = join(folder, "pid");
  const program = await startInBackground({
    program: "sh",
    arguments: ["-c", `sleep 100 & echo $! >${pidFile}.new; mv ${pidFile}.new ${pidFile}; wait`],
    logFile: join(folder, "log"),
    searchPath,
  });
  await expect.poll(() => existsSync(pidFile)).toBe(true);
  const child = readFileSync(pidFile, "utf8").trim();
  program.kill();
  expect((await program.exited).signal).toBe("SIGKILL");
  await expect.poll(() => isRunning(child)).toBe(false);
  // A second time there is nobody.
  program.kill();
});

it("takes it that a program which listens no more hears nothing", async () => {
  const deaf = join(folder, "deaf");
  const program = await startInBackground({
    program: "sh",
    arguments: ["-c", `exec <&-; : >${deaf}; sleep 100`],
    logFile: join(folder, "log"),
    searchPath,
    takesInput: true,
  });
  await expect.poll(() => existsSync(deaf)).toBe(true);
  const failed = new Promise((resolve) => program.input?.once("error", resolve));
  program.input?.end("fill\n");
  await expect(failed).resolves.toMatchObject({ code: "EPIPE" });
  // Without somebody for it the process would have ended.
  expect(program.input?.listenerCount("error")).toBe(1);
  program.kill();
  await program.exited;
});

it.each([
  ["exit 0", 0],
  ["exit 3", 3],
  ["kill -KILL $$", 137],
])("writes down how %j has ended, for whoever did not start it", async (script, code) => {
  const exitFile = join(folder, "exit");
  const program = await startInBackground({
    program: "sh",
    arguments: ["-c", `cat; ${script}`],
    logFile: join(folder, "log"),
    searchPath,
    takesInput: true,
    exitFile,
  });
  expect(readFileSync(exitFile, "utf8")).toBe("");
  program.input?.end("fill\n");
  expect(await program.exited).toEqual({ code, signal: null });
  expect(readFileSync(exitFile, "utf8")).toBe(`${code}\n`);
});

/** A zombie doesn't run. */
function isRunning(pid: string): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) Z /.test(readFileSync(file, "utf8"));
}
