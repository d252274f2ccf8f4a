import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { programScript } from "./program-file.ts";
import { shellCommand } from "./shell-quote.ts";

it("keeps every word whole, whatever is in it", () => {
  const words = ["a b", "it's", "$HOME", "`id`", "", "new\nline", '"'];
  expect(execFileSync("sh", ["-c", `printf '%s\\0' ${shellCommand(words)}`], { encoding: "utf8" })).toBe(
    `${words.join("\0")}\0`,
  );
});

it("becomes the program with its environment", () => {
  expect(
    programScript({ name: "nats", command: ["nats-server", "--config", "/a b"], environment: { TMPDIR: "/t" } }),
  ).toBe("#!/bin/sh\nexport TMPDIR='/t'\nexec 'nats-server' '--config' '/a b'\n");
});
