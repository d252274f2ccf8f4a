import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { systemEnvironment } from "@vfleet/shared";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addGlobalOptions } from "./api/connect.ts";
import type { Cli } from "./cli.ts";
import { verbs } from "./verbs.ts";

const page = readFileSync(new URL("../../docs/vctl.md", import.meta.url), "utf8");
const cli: Cli = {
  input: new PassThrough(),
  output: new PassThrough(),
  error: new PassThrough(),
  environment: systemEnvironment,
  variables: {},
  signal: new AbortController().signal,
  exitCode: 0,
};

test.each(verbs)("the example of $name is a call that vctl understands", async ({ name, example, load }) => {
  const [program, verb, ...words] = example.split(" ");
  expect([program, verb]).toEqual(["vctl", name]);
  const command = addGlobalOptions(new Command(name)).exitOverride();
  (await load())(command, cli);
  let called = false;
  const spy = (one: Command) => {
    one.exitOverride();
    if (one.commands.length === 0 || name === "create") one.action(() => void (called = true));
    one.commands.forEach(spy);
  };
  spy(command);
  await command.parseAsync(words, { from: "user" });
  expect(called).toBe(true);
});

test("docs/vctl.md has a row for every verb, and for nothing else", () => {
  const rows = page.split("\n").filter((line) => /^\| `[a-z]+` \|/.test(line));
  expect(rows).toEqual(verbs.map(({ name, summary, example }) => `| \`${name}\` | ${summary} | \`${example}\` |`));
});
