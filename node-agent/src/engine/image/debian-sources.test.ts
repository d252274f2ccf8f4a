import { expect, it } from "vitest";
import { sourcesOf } from "./debian-sources.ts";

const classic = {
  path: "/etc/apt/sources.list",
  text: `# deb http://old.example/debian buster main
deb http://deb.example/debian trixie main
deb [signed-by=/usr/share/keyrings/a.gpg] http://deb.example/debian/ trixie-updates main
deb-src http://source.example/debian trixie main
deb http://security.example/debian-security trixie-security main
`,
};
const deb822 = {
  path: "/etc/apt/sources.list.d/debian.sources",
  text: `Types: deb
# http://snapshot.example/
URIs: http://deb.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://deb.example/debian-security
Suites: bookworm-security
`,
};

it("takes the host's own sources of the same release", () => {
  expect(sourcesOf("trixie", [classic])).toEqual([classic.path]);
  expect(sourcesOf("bookworm", [classic, deb822])).toEqual([deb822.path]);
});

it("takes the host's mirrors for another release", () => {
  expect(sourcesOf("bookworm", [classic])).toEqual([
    "deb http://deb.example/debian bookworm main",
    "deb http://deb.example/debian bookworm-updates main",
    "deb http://security.example/debian-security bookworm-security main",
  ]);
  expect(sourcesOf("trixie", [deb822])).toContain("deb http://deb.example/debian-security trixie-security main");
});

it("asks for no updates of a release that has none", () => {
  expect(sourcesOf("sid", [classic])).toEqual(["deb http://deb.example/debian sid main"]);
});

it("leaves it to mmdebstrap where the host has none", () => {
  expect(sourcesOf("bookworm", [])).toEqual([]);
});
