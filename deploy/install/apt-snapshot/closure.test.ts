import { expect, test } from "vitest";
import { snapshotLayout, snapshotOptions, sourcesLine } from "./arguments.ts";
import { libraryClosure } from "./closure.ts";

test("takes the program and shared libraries, and leaves what the system has by itself", () => {
  const simulated = [
    "gcc-16-base",
    "libc6",
    "libc-gconv-modules-extra",
    "libsystemd-shared",
    "systemd",
    "libnet9",
    "criu",
  ];
  const lines = simulated.map((name) => `Inst ${name} (1.0 Debian:unstable [amd64])`).join("\n");
  expect(libraryClosure(`Reading package lists...\n${lines}\nConf criu`, "criu")).toEqual(["libc6", "libnet9", "criu"]);
});

test("keeps apt away from the system's sources, lists and status", () => {
  const options = snapshotOptions(snapshotLayout("/opt/vfleet/apt/sid"));
  for (const key of ["Dir::Etc::SourceList", "Dir::State::Lists", "Dir::State::Status", "Dir::Cache"]) {
    expect(options.filter((option) => option.startsWith(`${key}=/opt/vfleet/apt/sid`))).toHaveLength(1);
  }
  expect(options).toContain("Dir::Etc::SourceParts=-");
});

test("verifies the suite with Debian's own keys", () => {
  const line = sourcesLine({ mirror: "http://m.example/debian", suite: "sid", keyring: "/usr/share/keyrings/k.gpg" });
  expect(line).toBe("deb [signed-by=/usr/share/keyrings/k.gpg] http://m.example/debian sid main\n");
});
