import { inHost } from "../kind-of.ts";
import { labLayout } from "../layout.ts";
import { requireRoot } from "../preflight.ts";
import { shellCommand } from "../shell-quote.ts";

export interface ExecOptions {
  readonly name: string;
  readonly host: string;
  readonly command: readonly string[];
  /** Gives the command a terminal of its own. */
  readonly terminal: boolean;
}

/**
 * Becomes a command inside a host: this process is replaced, so that standard streams, signals and the exit code are
 * the command's own.
 */
export function exec({ name, host, command, terminal }: ExecOptions): never {
  requireRoot();
  // The session of the caller is not in the box's PID namespace, so that a shell there could control no jobs: script(1) makes one that is.
  const inside = terminal
    ? ["script", "--quiet", "--return", "--flush", "--command", shellCommand(command), "/dev/null"]
    : command;
  // Node.js ignores some signals, which a replaced process would inherit: a writer would not end when its reader does.
  const args = ["env", "--default-signal", ...inHost(labLayout(name), host, inside)];
  if (process.execve === undefined) throw new Error("this Node.js has no process.execve");
  return process.execve("/usr/bin/env", args, process.env);
}
