import { root } from "../fleet/paths.ts";
import { run } from "../fleet/program.ts";

/** Runs the lab's verbs, on one lab; each must succeed. */
export function labVerbs(name: string): (...args: string[]) => Promise<void> {
  return async (...args) => {
    const finished = await run(process.execPath, [`${root}deploy/lab/main.ts`, ...args, "--name", name]);
    if (finished.code !== 0) throw new Error(`lab ${args.join(" ")}: ${finished.stderr}`);
  };
}
