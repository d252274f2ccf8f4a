import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { agentError } from "../../agent-error.ts";

/** Ids of one server: a virtual server's own 0 to 65,535 on the host. */
export const idBlockSize = 65_536;

/**
 * Opens a user namespace that maps 0… to the block (user_namespaces(7)). The namespace lives as long as the handle:
 * no process has to stay in it.
 */
export async function openIdNamespace(blockStart: number): Promise<FileHandle> {
  const child = spawn("unshare", ["--user", "cat"], { stdio: ["pipe", "pipe", "ignore"] });
  try {
    // An echo shows that the namespace is there.
    const echoed = once(child.stdout, "data");
    child.stdin.write("\n");
    await Promise.race([
      echoed,
      once(child, "error").then(([error]) => Promise.reject(error as Error)),
      once(child, "exit").then(() =>
        Promise.reject(
          agentError("program-failed", { program: "unshare --user", ending: "no user namespace", output: "" }),
        ),
      ),
    ]);
    const map = `0 ${blockStart} ${idBlockSize}\n`;
    await writeFile(`/proc/${child.pid}/uid_map`, map);
    await writeFile(`/proc/${child.pid}/gid_map`, map);
    return await open(`/proc/${child.pid}/ns/user`, "r");
  } finally {
    child.stdin.destroy();
    child.kill("SIGKILL");
  }
}
