import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readServerLog } from "./server-log.ts";
import type { LogOptions } from "./server-log.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-"));
  file = join(folder, "log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const time = "2026-01-01T00:00:00.000000000+00:00";
const later = "2026-01-01T01:00:00.000000000+00:00";
const all: LogOptions = {
  follow: false,
  tailLines: undefined,
  timestamps: false,
  sinceMs: undefined,
  signal: new AbortController().signal,
};

async function read(options: Partial<LogOptions> = {}): Promise<string> {
  let text = "";
  for await (const line of readServerLog(file, { ...all, ...options })) text += line;
  return text;
}

it("joins parts of long lines and both outputs in order", async () => {
  writeFileSync(file, `${time} stdout P one \n${time} stdout F line\n${time} stderr F two\n`);
  expect(await read()).toBe("one line\ntwo\n");
});

it("gives the last lines, with times, since a time", async () => {
  writeFileSync(file, `${time} stdout F a\n${time} stdout F b\n${later} stdout F c\n`);
  expect(await read({ tailLines: 2 })).toBe("b\nc\n");
  expect(await read({ sinceMs: Date.parse(later), timestamps: true })).toBe(`${later} c\n`);
});

it("is empty for a server that never ran", async () => {
  expect(await read()).toBe("");
});

it("follows into the file that replaces it", async () => {
  writeFileSync(file, `${time} stdout F a\n`);
  const ended = new AbortController();
  const lines = readServerLog(file, { ...all, follow: true, signal: ended.signal });
  expect((await lines.next()).value).toBe("a\n");
  const next = lines.next();
  appendFileSync(file, `${time} stdout F b\n`);
  expect((await next).value).toBe("b\n");
  const afterwards = lines.next();
  writeFileSync(`${file}.new`, `${later} stdout F c\n`);
  renameSync(`${file}.new`, file);
  expect((await afterwards).value).toBe("c\n");
  ended.abort();
});
