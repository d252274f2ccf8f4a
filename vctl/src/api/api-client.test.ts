import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { systemEnvironment } from "@vfleet/shared";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ApiClient } from "./api-client.ts";

let waits: string[];
let asked: string[];
let server: Server;
let port: number;

beforeEach(async () => {
  waits = [];
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.method ?? "");
    // The first is heard, and never answered.
    if (asked.length === 1) request.socket.destroy();
    else response.end("{}");
  });
  await listen(0);
  ({ port } = server.address() as AddressInfo); // it listens on TCP
});

afterEach(() => close());

const listen = (on: number) => new Promise<void>((resolve) => server.listen(on, "127.0.0.1", resolve));
const close = () => new Promise<void>((resolve) => server.close(() => resolve()));

function clientFor(forMs: number): ApiClient {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "fleet", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: "me" },
  );
  const onWait = (at: string) => waits.push(at);
  return new ApiClient(config, "default", { forMs, environment: systemEnvironment, onWait });
}

test("a question that was not answered is asked again", async () => {
  expect(await clientFor(5000).json({ path: "/" })).toEqual({});
  expect([asked, waits]).toEqual([["GET", "GET"], [`127.0.0.1:${port}`]]);
});

test("a change that may have been made is not made again", async () => {
  await expect(clientFor(5000).json({ method: "POST", path: "/", body: {} })).rejects.toThrow("Unable to connect");
  expect(asked).toEqual(["POST"]);
});

test("a change that was not sent is made once somebody listens", async () => {
  asked.push("an answered one");
  await close();
  const answer = clientFor(5000).json({ method: "POST", path: "/", body: {} });
  await listen(port);
  expect(await answer).toEqual({});
});

test("whoever is not there for long is given up", async () => {
  await close();
  await expect(clientFor(300).json({ path: "/" })).rejects.toThrow("was refused");
  expect(waits.length).toBe(1);
  await listen(port);
});
