import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { PassThrough } from "node:stream";
import { PseudoTerminal } from "../kernel/pseudo-terminal.ts";
import type { ExecSession } from "./runtime-driver.ts";

/** Starts `runc exec`, on pipes or on a pseudo-terminal of our own, whose size runc follows. */
export function startExec(command: readonly string[], options: { terminal: boolean; searchPath: string }): ExecSession {
  const environment = { PATH: options.searchPath };
  return options.terminal ? onTerminal(command, environment) : onPipes(command, environment);
}

function onPipes([program = "", ...parameters]: readonly string[], env: NodeJS.ProcessEnv): ExecSession {
  const child = spawn(program, parameters, { env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {}); // the command needs not read what it is sent
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    resize: () => {},
    ended: endOf(child),
    kill: () => child.kill("SIGKILL"),
  };
}

function onTerminal([program = "", ...parameters]: readonly string[], env: NodeJS.ProcessEnv): ExecSession {
  const terminal = new PseudoTerminal();
  const slave = terminal.slaveFd;
  const child = spawn(program, parameters, { env, detached: true, stdio: [slave, slave, slave] });
  terminal.closeSlave();
  const stdout = new PassThrough();
  // A master whose slave is closed answers EIO: that is its end.
  terminal.master.once("error", () => stdout.end());
  terminal.master.once("end", () => stdout.end());
  terminal.master.pipe(stdout, { end: false });
  return {
    stdin: terminal.master,
    stdout,
    stderr: undefined,
    resize: (columns, rows) => {
      terminal.resize(columns, rows);
      // runc is no session leader of this terminal, so the kernel doesn't tell it.
      child.kill("SIGWINCH");
    },
    ended: endOf(child).finally(() => {
      // What was written last is read before the end is seen.
      if (terminal.master.destroyed) stdout.end();
    }),
    kill: () => child.kill("SIGKILL"),
  };
}

function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
