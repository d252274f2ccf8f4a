import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { createLogger } from "@vfleet/shared";
import { thaw } from "./freezer.ts";
import { GateKeeper } from "./gate-keeper.ts";
import { gateScriptText, type Gate, type GateVerdict, type Passing } from "./gate-script.ts";

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
  expect(await ask("network-lock")).toBe(0);
  verdict.resolve("no");
  expect(await dump).toBe(1);
  expect(asked.toSorted()).toEqual(["network-lock", "post-dump"]);
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

it("freezes before a dump, tells what CRIU passes, and waits for nobody then", async () => {
  const freezer = { file: join(folder, "freezer.state"), frozen: "FROZEN", thawed: "THAWED" };
  const freezing = join(folder, "freezing-gate");
  writeFileSync(freezing, gateScriptText(socketPath, { freezer }), { mode: 0o700 });
  const passed = Promise.withResolvers<Passing>();
  const keeper = new GateKeeper({ socketPath, log, decide: () => new Promise(() => {}), pass: passed.resolve });
  await keeper.listen();
  await execute(freezing, { env: { ...process.env, CRTOOLS_SCRIPT_ACTION: "pre-dump" } });
  expect(readFileSync(freezer.file, "utf8")).toBe("FROZEN\n");
  expect(await passed.promise).toBe("pre-dump");
  thaw(freezer);
  expect(readFileSync(freezer.file, "utf8")).toBe("THAWED");
  keeper.close();
});

it("decides by itself where that is asked for: no without an answer, and the tasks go on once CRIU has ended", async () => {
  const freezer = { file: join(folder, "alone.state"), frozen: "FROZEN", thawed: "THAWED" };
  const alone = join(folder, "alone-gate");
  const text = gateScriptText(join(folder, "nobody.sock"), { freezer, standsAlone: true });
  writeFileSync(alone, text, { mode: 0o700 });
  const criu = `export CRTOOLS_SCRIPT_ACTION=pre-dump; ${alone}; cat ${freezer.file}; CRTOOLS_SCRIPT_ACTION=post-dump ${alone}; echo $?; cat ${freezer.file}`;
  const { stdout } = await execute("sh", ["-c", criu]);
  expect(stdout).toBe("FROZEN\n1\nFROZEN\n");
  await expect.poll(() => readFileSync(freezer.file, "utf8")).toBe("THAWED\n");
});

it("is made for no path that a shell would read", () => {
  expect(() => gateScriptText("/run/x; rm")).toThrow(RangeError);
});
