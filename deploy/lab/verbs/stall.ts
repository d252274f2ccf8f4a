import { requireBox } from "../box.ts";
import { labLayout } from "../layout.ts";
import { requireRoot } from "../preflight.ts";
import { mustRun } from "../run.ts";

/** Stops every process of a host where it stands: all at once, since -1 means everyone in the PID namespace. */
export async function stall(name: string, host: string): Promise<void> {
  await signalEveryone(name, host, "STOP");
}

export async function resume(name: string, host: string): Promise<void> {
  await signalEveryone(name, host, "CONT");
}

async function signalEveryone(name: string, host: string, signal: "STOP" | "CONT"): Promise<void> {
  requireRoot();
  const { pid } = requireBox(labLayout(name), host);
  // The namespace's first process is not among "everyone", and can be stopped from outside only.
  process.kill(pid, `SIG${signal}`);
  await mustRun(["nsenter", "--target", String(pid), "--pid", "--", "kill", "-s", signal, "--", "-1"]);
}
