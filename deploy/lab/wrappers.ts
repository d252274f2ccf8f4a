import { chmodSync, writeFileSync } from "node:fs";
import { compileCacheFolder } from "./compile-cache.ts";
import type { LabLayout } from "./layout.ts";
import { bundleOf, repository } from "./node-program.ts";
import { shellQuote } from "./shell-quote.ts";

/** Text of `lab`: this very lab, unless told otherwise. */
function labWrapper(name: string): string {
  const main = shellQuote(`${repository}/deploy/lab/main.ts`);
  return `#!/bin/sh\nexport NODE_COMPILE_CACHE=${shellQuote(compileCacheFolder)}\nexport VFLEET_LAB="\${VFLEET_LAB:-${name}}"\nexec ${shellQuote(process.execPath)} ${main} "$@"\n`;
}

/** Text of `vctl`: the bundle loads much faster, but a source that is newer wins. */
function vctlWrapper(): string {
  const folders = ["vctl", "shared"].map((part) => shellQuote(`${repository}/${part}/src`)).join(" ");
  return [
    "#!/bin/sh",
    `export NODE_COMPILE_CACHE=${shellQuote(compileCacheFolder)}`,
    `main=${shellQuote(`${repository}/vctl/src/main.ts`)}`,
    `bundle=${shellQuote(bundleOf("vctl"))}`,
    `if [ -e "$bundle" ] && [ -z "$(find ${folders} -name '*.ts' -newer "$bundle" -print -quit)" ]; then main=$bundle; fi`,
    `exec ${shellQuote(process.execPath)} "$main" "$@"`,
    "",
  ].join("\n");
}

/** Writes the programs that `lab env` puts on the PATH. */
export function writeWrappers(lab: LabLayout): void {
  for (const [name, text] of [
    ["lab", labWrapper(lab.name)],
    ["vctl", vctlWrapper()],
  ] as const) {
    writeFileSync(`${lab.binFolder}/${name}`, text);
    chmodSync(`${lab.binFolder}/${name}`, 0o755);
  }
}
