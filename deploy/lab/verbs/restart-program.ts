import { labLayout } from "../layout.ts";
import { LabError } from "../lab-error.ts";
import { requireRoot } from "../preflight.ts";
import { programPid, signalProgram } from "../program-signal.ts";
import { waitUntil } from "../wait-until.ts";

const restartTimeoutMs = 10_000;

/** Kills one program of a host and waits until it runs again. Returns its new process id, as the box counts. */
export async function restartProgram(options: {
  name: string;
  host: string;
  program: string;
  signal: string;
}): Promise<number> {
  requireRoot();
  const { host, program, signal } = options;
  const lab = labLayout(options.name);
  const before = await signalProgram({ lab, host, program, signal });
  let now: number | undefined;
  const isBack = await waitUntil(async () => {
    now = await programPid(lab, host, program);
    return now !== undefined && now !== before;
  }, restartTimeoutMs);
  if (!isBack || now === undefined)
    throw new LabError(
      "start-failed",
      `"${program}" on "${host}" did not end by ${signal} and come back`,
      "Send it KILL, or look at its log",
    );
  return now;
}
