import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Environment, Logger } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";
import { tryProgram } from "../engine/program/run-program.ts";

const script = fileURLToPath(new URL("fence.sh", import.meta.url));
const againMs = 200;

export interface FenceProgramOptions {
  folder: string;
  cgroupParent: string;
  environment: Environment;
  log: Logger;
}

/**
 * The process that freezes and ends servers when the deadline in the folder is over. It outlives the agent; the next one puts its own in its
 * place. One that ends while the agent lives is started again.
 */
export class FenceProgram {
  readonly #options: FenceProgramOptions;
  #child: ChildProcess | undefined;
  #isClosed = false;

  constructor(options: FenceProgramOptions) {
    this.#options = options;
  }

  /** Ends all that are armed, now. Throws `servers-not-fenced` when one outlived it. */
  async endAll(): Promise<void> {
    const { folder, cgroupParent } = this.#options;
    const { status } = await tryProgram(["sh", script, folder, cgroupParent, "end"]);
    if (status !== 0) throw agentError("servers-not-fenced", { folder });
  }

  keep(): void {
    const { folder, cgroupParent, environment, log } = this.#options;
    const child = spawn("sh", [script, folder, cgroupParent], { detached: true, cwd: "/", stdio: "ignore" });
    this.#child = child;
    child.unref();
    const again = (why: unknown) => {
      if (this.#isClosed || this.#child !== child) return;
      this.#child = undefined;
      log.error({ why }, "the process that ends servers without a lease has ended; it is started again");
      void environment.sleep(againMs).then(() => (this.#isClosed ? undefined : this.keep()));
    };
    child.once("error", again);
    child.once("exit", (code, signal) => again(signal ?? code));
  }

  /** Leaves it running. */
  letGo(): void {
    this.#isClosed = true;
  }
}
