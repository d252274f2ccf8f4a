import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { VfleetError } from "./errors.ts";

/**
 * Named places where a test makes a real component fail: a file of the failpoint's name in `folder` arms it.
 * The file holds `refuse` (every time) or `refuse-once`. No folder, no failpoints.
 */
export class Failpoints {
  readonly #folder: string | undefined;

  constructor(folder?: string) {
    this.#folder = folder;
  }

  /** Throws `failpoint` where armed; costs one stat where not. */
  hit(name: string): void {
    if (this.#folder === undefined) return;
    const file = join(this.#folder, name);
    if (!existsSync(file)) return;
    if (readFileSync(file, "utf8").trim() === "refuse-once") rmSync(file, { force: true });
    throw new VfleetError("failpoint", `Refused at failpoint "${name}"`);
  }
}
