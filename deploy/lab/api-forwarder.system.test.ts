import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "./forwarder.ts";
import { waitUntil } from "./wait-until.ts";

let folder: string;
let forwarder: ChildProcess;
let port: number;
let servers: Server[];
let accepted: Socket[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "vfleet-forwarder-"));
  servers = [];
  accepted = [];
  port = await freePort(new Set());
  const sockets = ["api", "one", "two", "three"].map((name) => join(folder, name));
  const words = [`${import.meta.dirname}/api-forwarder.ts`, String(port), ...sockets];
  forwarder = spawn(process.execPath, words, { stdio: "inherit" });
  await waitUntil(async () => (await say("")) !== undefined, 10_000);
});

afterEach(async () => {
  forwarder.kill("SIGKILL");
  for (const socket of accepted) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true, force: true });
});

async function serve(name: string, hear: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => {
    accepted.push(socket);
    hear(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(join(folder, name), resolve));
}

/** What is answered, until the other side ends; none: nobody listens on the port. */
function say(text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let answer = "";
    socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
    socket.on("error", (error: Error & { code?: string }) =>
      resolve(error.code === "ECONNREFUSED" ? undefined : answer),
    );
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}

const answers = (name: string) => (socket: Socket) =>
  void socket.once("data", (heard) => socket.end(`${name} heard ${heard.toString()}`));

test("whoever answers is taken, also beside one that only accepts", async () => {
  await serve("one", (socket) => void socket.resume());
  await serve("three", answers("three"));
  expect(await say("hello")).toBe("three heard hello");
});

test("where nobody listens the connection is closed", async () => {
  expect(await say("hello")).toBe("");
});
