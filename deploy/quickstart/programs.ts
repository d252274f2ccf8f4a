import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program with this terminal; rejects where it fails. */
export async function runShown(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  // What this prints is for people: a caller's standard output may be read by a program.
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", process.stderr, "inherit"] });
  await ended(child, `${program} ${args.join(" ")}`);
}

/** Runs a program and gives what it printed on standard output. */
export async function runRead(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await ended(child, `${program} ${args.join(" ")}`);
  return text;
}

function ended(child: ChildProcess, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`Cannot run ${what}: ${error.message}`)));
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${what} ended with ${code ?? "a signal"}`)),
    );
  });
}
