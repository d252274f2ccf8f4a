import { spawn } from "node:child_process";
import type { Socket } from "node:net";

/**
 * Keeps this side of a socket open until a program has ended, whatever becomes of this process. Without its page server CRIU's lazy-pages
 * daemon would end, and the kernel would give the restored tasks zeroes for the pages they lack: this way they wait.
 */
export function holdOpen(socket: Socket, pid: number, searchPath: string): void {
  const handle: unknown = Reflect.get(socket, "_handle");
  const descriptor: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
  if (typeof descriptor !== "number") return;
  const holder = spawn("tail", ["--pid", String(pid), "-f", "/dev/null"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
    detached: true,
    env: { PATH: searchPath },
  });
  // It is a precaution: without it a restart of the agent in these seconds costs the server, as its crash would.
  holder.on("error", () => {});
  holder.unref();
}
