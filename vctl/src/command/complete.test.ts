import { expect, test } from "vitest";
import { runForTest } from "../test-cli.ts";

async function complete(...words: string[]): Promise<string[]> {
  return (await runForTest(["__complete", "--", ...words])).output.split("\n").filter((line) => line !== "");
}

test.each([
  [["mi"], ["migrate"]],
  [["-n", "prod", "dra"], ["drain"]],
  [["get", "v"], ["virtualservers"]],
  [
    ["get", "-o", ""],
    ["json", "name", "wide", "yaml"],
  ],
  [["get", "--al"], ["--all-namespaces"]],
  [["config", "use"], ["use-context"]],
  [["image", "b"], ["build"]],
  [["image", "build", "x", "--su"], ["--suite"]],
  [
    ["run", "web", "--restart", ""],
    ["Always", "Never", "OnFailure"],
  ],
  [
    ["top", ""],
    ["nodes", "servers"],
  ],
  [["migrate", "web", "--mode", "Stop"], ["StopAndCopy"]],
  [["migrate", "web", "--max-d"], ["--max-downtime"]],
  [["completion", "b"], ["bash"]],
  [["exec", "web", "--", "-"], []],
  [["wait", "--for", "cond"], ["condition="]],
])("%j is completed with %j", async (words, candidates) => {
  expect(await complete(...words)).toEqual(candidates);
});
