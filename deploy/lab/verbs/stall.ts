import { requireBox } from "../box.ts";
import { processesIn } from "../cgroups.ts";
import { hostLayout, labLayout } from "../layout.ts";
import { scripts } from "../namespaces.ts";
import { requireRoot } from "../preflight.ts";
import { mustRun } from "../run.ts";

/** Stops every process of a host where it stands: all at once, since -1 means everyone in the PID namespace. */
export async function stall(name: string, host: string): Promise<void> {
  await signalEveryone(name, host, "STOP");
}

export async function resume(name: string, host: string): Promise<void> {
  await signalEveryone(name, host, "CONT");
  // nsenter(1) stops itself when its child is stopped: those that `lab exec` left outside the namespace go on too.
  for (const pid of processesIn(hostLayout(labLayout(name), host).systemCgroup)) process.kill(pid, "SIGCONT");
}

async function signalEveryone(name: string, host: string, signal: "STOP" | "CONT"): Promise<void> {
  requireRoot();
  const { pid } = requireBox(labLayout(name), host);
  // The namespace's first process is not among "everyone", and can be stopped from outside only.
  process.kill(pid, `SIG${signal}`);
  await mustRun(["nsenter", "--target", String(pid), "--pid", "--", "sh", `${scripts}/signal-all.sh`, signal]);
}
