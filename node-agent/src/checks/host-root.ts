import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findProgram } from "../engine/program/find-program.ts";
import { runProgram } from "../engine/program/run-program.ts";

const folders = ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "run", "var"];

/** Makes a root of a few programs of this machine with the libraries they need: a guest without an image build. */
export async function makeHostRoot(folder: string, programs: readonly string[]): Promise<void> {
  for (const name of folders) mkdirSync(join(folder, name), { recursive: true });
  for (const name of programs) {
    const file = findProgram(name, "/usr/sbin:/usr/bin:/sbin:/bin");
    copyFileSync(file, join(folder, "bin", name));
    const { stdout } = await runProgram(["ldd", file]);
    for (const [library] of stdout.matchAll(/\/\S+(?= \(0x)/g)) {
      mkdirSync(dirname(join(folder, library)), { recursive: true });
      copyFileSync(library, join(folder, library));
    }
  }
  writeFileSync(join(folder, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/:/bin/sh\n");
}
