import { expect, test } from "vitest";
import { parseOptions } from "./options.ts";

test("reads the switches", () => {
  const options = parseOptions(["--check", "--json", "--criu", "private", "--prefix", "/srv/vfleet/"]);
  expect(options).toMatchObject({
    checkOnly: true,
    json: true,
    criu: "private",
    prefix: "/srv/vfleet",
    upgrade: false,
  });
});

test("refuses an unknown switch, a bad CRIU choice and a prefix that a shell would read otherwise", () => {
  for (const args of [
    ["--force"],
    ["--criu", "newest"],
    ["--prefix", "/opt/a b"],
    ["--prefix", "relative"],
    ["extra"],
  ]) {
    expect(() => parseOptions(args)).toThrow("Cannot read the command line");
  }
});
