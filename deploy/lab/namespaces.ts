import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import type { ProcessIdentity } from "./identity.ts";
import { LabError } from "./lab-error.ts";

export const scripts = `${import.meta.dirname}/box`;

export interface StartedNamespaces {
  readonly identity: ProcessIdentity;
  /** Lets the new process go on. Not called, it ends when this program does. */
  readonly go: () => void;
}

export interface NamespacesOptions {
  readonly command: readonly string[];
  readonly cgroupFiles: readonly string[];
  readonly logFile: string;
}

/** Starts a command whose script says "ready PID START BOOT" and then waits for a line: see box/init.sh. */
export function startNamespaces({ command, cgroupFiles, logFile }: NamespacesOptions): Promise<StartedNamespaces> {
  const log = openSync(logFile, "a");
  const [input, output] = ["pipe", "pipe"] as const;
  const child = spawn("sh", [`${scripts}/in-cgroup.sh`, cgroupFiles.join(" "), ...command], {
    detached: true,
    cwd: "/",
    stdio: [input, output, log],
  });
  closeSync(log);
  const { stdin, stdout } = child;
  return new Promise((resolve, reject) => {
    const fail = () => reject(new LabError("start-failed", command.join(" "), `Its last words are in ${logFile}`));
    child.on("error", fail);
    child.on("exit", fail);
    if (stdin === null || stdout === null) return;
    const lines = createInterface({ input: stdout });
    lines.on("line", (line) => {
      const [word, pid, startTicks, bootId] = line.split(" ");
      if (word !== "ready" || pid === undefined || startTicks === undefined || bootId === undefined) return;
      child.off("exit", fail);
      const go = () => {
        lines.close();
        stdin.end("go\n");
        stdout.destroy();
        child.unref();
      };
      resolve({ identity: { pid: Number(pid), startTicks, bootId }, go });
    });
  });
}
