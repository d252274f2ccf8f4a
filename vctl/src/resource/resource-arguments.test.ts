import { expect, test } from "vitest";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { ApiClient } from "../api/api-client.ts";
import { parsePairs, resolveArguments, serverName } from "./resource-arguments.ts";

const config = new KubeConfig();
config.loadFromOptions({
  clusters: [{ name: "none", server: "https://127.0.0.1:1" }],
  users: [],
  contexts: [],
  currentContext: "",
});
const client = new ApiClient(config); // what is of the registry is known without asking

async function resolve(...words: string[]): Promise<string[]> {
  return (await resolveArguments(words, client)).map(({ type, name }) =>
    name === undefined ? type.kind : `${type.kind}/${name}`,
  );
}

test("types are found by every name they have", async () => {
  expect(await resolve("vs,no,Migration,images.vfleet.dev")).toEqual(["VirtualServer", "Node", "Migration", "Image"]);
});

test("a category is all of its types", async () => {
  expect(await resolve("fleet")).toContain("Drain");
});

test("names follow the type, or stand with it", async () => {
  expect(await resolve("vs", "a", "b")).toEqual(["VirtualServer/a", "VirtualServer/b"]);
  expect(await resolve("vs/a", "node/host-1")).toEqual(["VirtualServer/a", "Node/host-1"]);
});

test("the two forms don't mix", async () => {
  await expect(resolve("vs", "no/host-1")).rejects.toThrow(
    "there is no need to specify a resource type as a separate argument",
  );
  await expect(resolve("vs/a/b")).rejects.toThrow("must have a single resource and name");
});

test("a server may be written with its type", () => {
  expect(["web", "vs/web", "VirtualServers/web"].map(serverName)).toEqual(["web", "web", "web"]);
});

test("pairs need a key", () => {
  expect(parsePairs(["a=b", "c=d=e", "f="], "--env")).toEqual({ a: "b", c: "d=e", f: "" });
  expect(() => parsePairs(["=x"], "--env")).toThrow('--env must be KEY=VALUE, found "=x"');
});
