import { spawn } from "node:child_process";
import { once } from "node:events";

/** Takes a lock (flock(1)) that other agents on a shared folder see too; waits for it. Returns how to give it back: it is also given back when this process ends. */
export async function lockFile(file: string): Promise<() => void> {
  const holder = spawn("flock", [file, "cat"], { stdio: ["pipe", "pipe", "ignore"] });
  holder.stdin.on("error", () => {});
  holder.stdin.write("\n");
  await Promise.race([
    once(holder.stdout, "data"),
    once(holder, "error").then(([error]) => Promise.reject(error as Error)),
    once(holder, "exit").then(() => Promise.reject(new Error(`flock ended before it had "${file}"`))),
  ]);
  return () => holder.stdin.destroy();
}
