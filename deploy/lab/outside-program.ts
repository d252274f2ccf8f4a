import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { processFiles } from "./cgroups.ts";
import { identityOf, readAlive, writeIdentity } from "./identity.ts";
import { LabError } from "./lab-error.ts";
import { outsideIdentity } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { scripts } from "./namespaces.ts";

/** Starts a program of the lab in the machine's own namespaces, unless it runs. It lives on when this program ends. */
export async function startOutside(lab: LabLayout, name: string, command: readonly string[]): Promise<void> {
  const file = outsideIdentity(lab, name);
  if (readAlive(file) !== undefined) return;
  const log = openSync(`${lab.logsFolder}/${name}.log`, "a");
  const cgroupFiles = processFiles(`${lab.cgroup}/system`).join(" ");
  const child = spawn("sh", [`${scripts}/in-cgroup.sh`, cgroupFiles, ...command], {
    detached: true,
    cwd: "/",
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (cause) =>
      reject(new LabError("start-failed", `${name}: ${cause.message}`, "Run: sh deploy/bootstrap.sh install")),
    );
  });
  await Promise.race([failed, new Promise((resolve) => child.once("spawn", resolve))]);
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  if (identity === undefined)
    throw new LabError("start-failed", name, `Its last words are in ${lab.logsFolder}/${name}.log`);
  writeIdentity(file, identity);
  child.unref();
}
