import { afterEach, beforeEach, expect, test } from "vitest";
import { systemEnvironment } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { DurableWriter } from "./durable-writer.ts";
import { TestNatsServer } from "./test-nats-server.ts";

const bucket = "objects";
const keys = Array.from({ length: 300 }, (_, number) => `key-${number}`);

let server: TestNatsServer;
let connection: NatsConnection;
let writer: DurableWriter;

beforeEach(async () => {
  server = new TestNatsServer();
  await server.start();
  connection = await server.connect();
  await connection.jetstream().views.kv(bucket, { history: 1 });
  writer = await DurableWriter.open({ connection, environment: systemEnvironment, bucket });
});

afterEach(async () => {
  await connection.close();
  await server.stop();
});

async function stored(key: string): Promise<{ value: string; sequence: number } | undefined> {
  const kv = await connection.jetstream().views.kv(bucket);
  const entry = await kv.get(key);
  return entry === null ? undefined : { value: entry.string(), sequence: entry.revision };
}

const create = (key: string) => writer.write({ key, value: `of ${key}`, expectedSequence: 0 });

test("each of many writes at once is there, at the sequence that it was told", async () => {
  const sequences = await Promise.all(keys.map(create));
  expect(new Set(sequences).size).toBe(keys.length);
  for (const [index, key] of keys.entries())
    expect(await stored(key)).toEqual({ value: `of ${key}`, sequence: sequences[index] });
});

test("one that comes too late is refused alone, and what it stood among is written", async () => {
  const first = await create("key-250");
  const sequences = await Promise.all(keys.map(create));
  expect(sequences.flatMap((sequence, index) => (sequence === undefined ? [keys[index]] : []))).toEqual(["key-250"]);
  expect((await stored("key-250"))?.sequence).toBe(first);
  expect((await stored("key-299"))?.value).toBe("of key-299");
});

test("deletions and changes go together, each over the record that it expects", async () => {
  const sequences = await Promise.all(keys.map(create));
  const changes = await Promise.all(
    keys.map((key, index) =>
      writer.write({ key, value: index % 2 === 0 ? undefined : "changed", expectedSequence: sequences[index] ?? 0 }),
    ),
  );
  expect(changes).not.toContain(undefined);
  expect((await stored("key-101"))?.value).toBe("changed");
  expect((await writer.lastRecordOf("key-100"))?.deleted).toBe(true);
});

test("whatever was acknowledged before the server lost power is there afterwards", async () => {
  const acknowledged = new Set<string>();
  const writing = keys.map((key) =>
    create(key).then(
      (sequence) => sequence !== undefined && acknowledged.add(key),
      () => undefined,
    ),
  );
  while (acknowledged.size === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.kill();
  const before = [...acknowledged];
  await server.start();
  await Promise.all(writing);
  await connection.close();
  connection = await server.connect();
  for (const key of before) expect((await stored(key))?.value).toBe(`of ${key}`);
  // Those that went on until the server was back were written once, and say so.
  for (const key of acknowledged) expect((await stored(key))?.value).toBe(`of ${key}`);
});
