import { chmodSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { shellCommand, shellQuote } from "./shell-quote.ts";

/** A program that runs in a box for as long as the box does. */
export interface BoxProgram {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Text of the script that becomes the program: see box/programs.sh. */
export function programScript({ command, environment }: BoxProgram): string {
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  return `#!/bin/sh\n${exports.join("")}exec ${shellCommand(command)}\n`;
}

/** Makes the folder hold exactly these programs. */
export function writePrograms(folder: string, programs: readonly BoxProgram[]): void {
  const wanted = new Set(programs.map(({ name }) => name));
  for (const name of readdirSync(folder)) if (!wanted.has(name)) rmSync(`${folder}/${name}`);
  for (const program of programs) {
    const file = `${folder}/${program.name}`;
    writeFileSync(file, programScript(program));
    chmodSync(file, 0o755);
  }
}
