import { existsSync } from "node:fs";
import { killGroup } from "../criu/background-program.ts";
import { argumentsOf, programsOfGroup } from "../criu/process-table.ts";
import { readText, type OperationFolders } from "./operation-folders.ts";

/** `unknown`: it was never started, or has ended and nobody has written down how. */
type FillingState = "running" | "filled" | "failed" | "unknown";

/** The program that fills a restored server's memory, as an agent sees it that has not started it. */
export class EarlierFilling {
  readonly #folders: OperationFolders;
  readonly #pid: number;

  constructor(folders: OperationFolders, pid = 0) {
    this.#folders = folders;
    this.#pid = pid;
  }

  get state(): FillingState {
    // First: what has ended by now has written its status.
    const isRunning = this.#isOurs(this.#pid);
    const { fillingExit } = this.#folders;
    const status = existsSync(fillingExit) ? readText(fillingExit).trim() : undefined;
    if (status === "0") return "filled";
    if (isRunning && (status ?? "") === "") return "running";
    return status === undefined ? "unknown" : "failed";
  }

  /** Ends what is left of it: where it has failed, CRIU's daemon may still wait for pages. */
  end(): void {
    if (programsOfGroup(this.#pid).some((pid) => this.#isOurs(pid))) killGroup(this.#pid);
  }

  /** A process id may be another's by now. */
  #isOurs(pid: number): boolean {
    return argumentsOf(pid).includes(this.#folders.images);
  }
}
