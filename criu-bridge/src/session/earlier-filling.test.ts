import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { argumentsOf } from "../criu/process-table.ts";
import { EarlierFilling } from "./earlier-filling.ts";
import { makeOperationFolders, operationFolders, type OperationFolders } from "./operation-folders.ts";

let folder = "";
let folders: OperationFolders;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "filling-"));
  folders = operationFolders({ runFolder: join(folder, "run"), stateFolder: join(folder, "state") }, "op", "target");
  makeOperationFolders(folders);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The images' folder stands among the arguments of what fills from it. */
function start(script: string): Promise<BackgroundProgram> {
  return startInBackground({
    program: "sh",
    arguments: ["-c", script, "filler", folders.images],
    logFile: join(folder, "log"),
    searchPath: process.env["PATH"] ?? "",
    takesInput: true,
    exitFile: folders.fillingExit,
  });
}

it.each([
  ["exit 0", "filled"],
  ["exit 1", "failed"],
  ["kill -KILL $$", "failed"],
])("%j: runs, then it is %s", async (script, state) => {
  const program = await start(`cat; ${script}`);
  const filling = new EarlierFilling(folders, program.pid);
  expect(filling.state).toBe("running");
  program.input?.end();
  await program.exited;
  expect(filling.state).toBe(state);
});

it("has failed where it is gone without a word", async () => {
  const program = await start("sleep 100");
  program.kill();
  await program.exited;
  expect(new EarlierFilling(folders, program.pid).state).toBe("failed");
});

it("is not known where nothing was to be written down, or nothing was started", () => {
  expect(new EarlierFilling(folders).state).toBe("unknown");
  // A process, but another's.
  expect(new EarlierFilling(folders, process.pid).state).toBe("unknown");
});

it("ends what a failed one has left, and nothing of anybody else", async () => {
  const left = join(folder, "left");
  const child = `sh -c 'echo $$ >${left}; sleep 100; :' daemon ${folders.images}`;
  const program = await start(`${child} & while [ ! -s ${left} ]; do sleep 0.01; done; exit 1`);
  await program.exited;
  const pid = Number(readFileSync(left, "utf8"));
  const filling = new EarlierFilling(folders, program.pid);
  expect([filling.state, argumentsOf(pid).length > 0]).toEqual(["failed", true]);
  filling.end();
  await expect.poll(() => argumentsOf(pid)).toEqual([]);

  writeFileSync(folders.fillingExit, "1");
  const stranger = await startInBackground({
    program: "sleep",
    arguments: ["100"],
    logFile: join(folder, "log"),
    searchPath: process.env["PATH"] ?? "",
  });
  new EarlierFilling(folders, stranger.pid).end();
  expect(existsSync(`/proc/${stranger.pid}`)).toBe(true);
  stranger.kill();
  expect((await stranger.exited).signal).toBe("SIGKILL");
});
