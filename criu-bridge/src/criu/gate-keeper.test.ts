import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { createLogger } from "@vfleet/shared";
import { GateKeeper } from "./gate-keeper.ts";
import { gateScriptText, type Gate, type GateVerdict } from "./gate-script.ts";

const folder = mkdtempSync(join(tmpdir(), "gate-"));
const socketPath = join(folder, "gate.sock");
const script = join(folder, "gate");
writeFileSync(script, gateScriptText(socketPath), { mode: 0o700 });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const execute = promisify(execFile);
const log = createLogger("test", "silent");

/** Exit code of the script at this action. */
async function ask(action: string): Promise<number> {
  const ended: { code?: unknown } = await execute(script, {
    env: { ...process.env, CRTOOLS_SCRIPT_ACTION: action },
  }).then(
    () => ({ code: 0 }),
    (thrown: { code?: unknown }) => thrown,
  );
  return Number(ended.code);
}

it("lets every other action pass without asking anybody", async () => {
  expect(await ask("setup-namespaces")).toBe(0);
});

it("answers with the verdict, and not before there is one", async () => {
  const asked: Gate[] = [];
  const verdict = Promise.withResolvers<GateVerdict>();
  const decide = (gate: Gate) => {
    asked.push(gate);
    return gate === "post-dump" ? verdict.promise : Promise.resolve<GateVerdict>("go");
  };
  const keeper = new GateKeeper({ socketPath, log, decide });
  await keeper.listen();
  const dump = ask("post-dump");
  expect(await ask("pre-resume")).toBe(0);
  verdict.resolve("no");
  expect(await dump).toBe(1);
  expect(asked.toSorted()).toEqual(["post-dump", "pre-resume"]);
  keeper.close();
});

it("goes on asking while nobody answers, and takes no failure for a verdict", async () => {
  const waiting = ask("post-restore");
  let attempts = 0;
  const decide = () => (++attempts === 1 ? Promise.reject(new Error("not now")) : Promise.resolve<GateVerdict>("go"));
  const keeper = new GateKeeper({ socketPath, log, decide });
  await keeper.listen();
  expect(await waiting).toBe(0);
  expect(attempts).toBe(2);
  keeper.close();
});

it("is made for no path that a shell would read", () => {
  expect(() => gateScriptText("/run/x; rm")).toThrow(RangeError);
});
