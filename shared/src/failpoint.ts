import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemEnvironment, type Environment } from "./environment.ts";
import { VfleetError } from "./errors.ts";

const lookEveryMs = 50;

/**
 * Named places where a test makes a real component fail: a file of the failpoint's name in `folder` arms it.
 * The file holds `refuse` (every time), `refuse-once`, or `hold` (until it is gone, where the place can wait). No folder, no failpoints.
 */
export class Failpoints {
  readonly #folder: string | undefined;
  readonly #environment: Pick<Environment, "sleep">;

  constructor(folder?: string, environment: Pick<Environment, "sleep"> = systemEnvironment) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Throws `failpoint` where armed; costs one stat where not. */
  hit(name: string): void {
    const word = this.#wordOf(name);
    if (word === undefined) return;
    if (word === "refuse-once") rmSync(join(this.#folder ?? "", name), { force: true });
    throw new VfleetError("failpoint", `Refused at failpoint "${name}"`);
  }

  /** The same, of a place that can be held. Rejects when `signal` ends that. */
  async reach(name: string, signal?: AbortSignal): Promise<void> {
    while (this.#wordOf(name) === "hold") await this.#environment.sleep(lookEveryMs, signal);
    this.hit(name);
  }

  #wordOf(name: string): string | undefined {
    const file = join(this.#folder ?? "", name);
    return this.#folder === undefined || !existsSync(file) ? undefined : readFileSync(file, "utf8").trim();
  }
}
