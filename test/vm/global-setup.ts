import { execFileSync } from "node:child_process";
import { root } from "../fleet/paths.ts";
import { vmLab } from "./vm-fleet.ts";

/** One lab of two virtual machines for all these tests. Gone afterwards, whatever happened. */
export default function setup(): () => void {
  const lab = (...args: string[]) =>
    execFileSync(process.execPath, ["deploy/lab/main.ts", ...args, "--name", vmLab], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
  if (process.env["VFLEET_KEEP_LAB"] === undefined) lab("down");
  lab("up", "--vm", "--hosts", "2");
  return () => {
    if (process.env["VFLEET_KEEP_LAB"] === undefined) lab("down");
  };
}
