import { existsSync, readFileSync } from "node:fs";
import { requireBox } from "./box.ts";
import { LabError } from "./lab-error.ts";
import { boxRunFolder, hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { mustRun } from "./run.ts";

export interface ProgramSignal {
  readonly lab: LabLayout;
  readonly host: string;
  readonly program: string;
  /** Name without SIG. */
  readonly signal: string;
}

/** Sends a signal to one program of a host; returns the process id it had, as the box counts. */
export async function signalProgram({ lab, host, program, signal }: ProgramSignal): Promise<number> {
  const box = requireBox(lab, host);
  if (!existsSync(`${hostLayout(lab, host).programsFolder}/${program}`)) {
    throw new LabError("program-unknown", `"${host}" runs no program "${program}"`, "lab status lists them");
  }
  const pid = programPid(box.pid, program);
  if (pid === undefined)
    throw new LabError(
      "program-unknown",
      `"${program}" on "${host}" is not running at the moment`,
      "It starts again by itself: try once more",
    );
  // The shell's own kill: the program of that name is of a package that a machine can be without.
  const kill = ["sh", "-c", 'kill -s "$1" "$2"', "sh", signal, String(pid)];
  await mustRun(["nsenter", "--target", String(box.pid), "--pid", "--", ...kill]);
  return pid;
}

/** A program's process id, as the box counts. */
export function programPid(boxPid: number, program: string): number | undefined {
  try {
    // The root link leads into the box's mounts, and there to its own /run and /proc.
    const pid = readFileSync(`/proc/${boxPid}/root${boxRunFolder}/${program}.pid`, "utf8").trim();
    return existsSync(`/proc/${boxPid}/root/proc/${pid}`) ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}
