import { execFileSync } from "node:child_process";
import { endToEndLab, root } from "../fleet/paths.ts";

/** One lab for all end-to-end tests: a control host, a client host, three hosts. Gone afterwards, whatever happened. */
export default function setup(): () => void {
  const lab = (...args: string[]) =>
    execFileSync(process.execPath, ["deploy/lab/main.ts", ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
  lab("down", "--name", endToEndLab);
  lab("up", "--hosts", "3", "--name", endToEndLab);
  return () => {
    if (process.env["VFLEET_KEEP_LAB"] === undefined) lab("down", "--name", endToEndLab);
  };
}
