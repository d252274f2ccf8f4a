import { existsSync } from "node:fs";
import { requireHost } from "./host.ts";
import { inHost, kindOf } from "./kind-of.ts";
import { LabError } from "./lab-error.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { mustRun } from "./run.ts";

export interface ProgramSignal {
  readonly lab: LabLayout;
  readonly host: string;
  readonly program: string;
  /** Name without SIG. */
  readonly signal: string;
}

/** Sends a signal to one program of a host; returns the process id it had, as the host counts. */
export async function signalProgram({ lab, host, program, signal }: ProgramSignal): Promise<number> {
  requireHost(lab, host);
  if (!existsSync(`${hostLayout(lab, host).programsFolder}/${program}`)) {
    throw new LabError("program-unknown", `"${host}" runs no program "${program}"`, "lab status lists them");
  }
  const pid = await programPid(lab, host, program);
  if (pid === undefined)
    throw new LabError(
      "program-unknown",
      `"${program}" on "${host}" is not running at the moment`,
      "It starts again by itself: try once more",
    );
  // The shell's own kill: the program of that name is of a package that a machine can be without.
  await mustRun(inHost(lab, host, ["sh", "-c", 'kill -s "$1" "$2"', "sh", signal, String(pid)]));
  return pid;
}

/** A program's process id, as the host counts; none while it restarts. */
export async function programPid(lab: LabLayout, host: string, program: string): Promise<number | undefined> {
  return (await kindOf(lab, host).programPids(lab, host)).get(program);
}
