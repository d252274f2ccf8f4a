import type { Layout } from "../layout.ts";
import type { RuncView } from "./runc-view.ts";

export interface RuntimePrograms {
  runc: string;
  conmon: string;
}

/** Past this size conmon starts the log anew, so that a chatty server can't fill the disk. */
const logLimitBytes = 16 << 20;

/** Arguments of runc(8) and conmon(8), pure. */
export class RuntimeArguments {
  readonly #programs: RuntimePrograms;
  readonly #layout: Layout;

  constructor(programs: RuntimePrograms, layout: Layout) {
    this.#programs = programs;
    this.#layout = layout;
  }

  /** conmon makes the container and stays: it holds output and exit status when the agent is gone. */
  create(uid: string): string[] {
    return this.#conmon(uid);
  }

  /** `runtimeArguments` go between `runc restore` and the id. */
  restore(uid: string, restore: { imagesFolder: string; arguments: readonly string[] }): string[] {
    return [
      ...this.#conmon(uid),
      "--restore",
      restore.imagesFolder,
      ...restore.arguments.flatMap((argument) => ["--runtime-opt", argument]),
    ];
  }

  start(uid: string): string[] {
    return this.#runc("start", uid);
  }

  state(uid: string): string[] {
    return this.#runc("state", uid);
  }

  kill(uid: string, signal: string): string[] {
    return this.#runc("kill", ...(signal === "KILL" ? ["--all"] : []), uid, signal);
  }

  delete(uid: string): string[] {
    return this.#runc("delete", "--force", uid);
  }

  update(uid: string): string[] {
    return this.#runc("update", "--resources", "-", uid);
  }

  exec(uid: string, exec: { command: readonly string[]; terminal: boolean }, view: RuncView): string[] {
    const { prefix, runtimeRoot } = view;
    const terminal = exec.terminal ? ["--tty"] : [];
    return [...prefix, this.#programs.runc, "--root", runtimeRoot, "exec", ...terminal, uid, ...exec.command];
  }

  #runc(...parameters: string[]): string[] {
    return [this.#programs.runc, "--root", this.#layout.runtimeRoot, ...parameters];
  }

  #conmon(uid: string): string[] {
    const bundle = this.#layout.bundle(uid);
    return [
      this.#programs.conmon,
      "--api-version=1",
      "--cid",
      uid,
      "--cuuid",
      uid,
      "--name",
      uid,
      "--runtime",
      this.#programs.runc,
      "--runtime-arg",
      "--root",
      "--runtime-arg",
      this.#layout.runtimeRoot,
      "--bundle",
      bundle,
      "--persist-dir",
      bundle,
      "--exit-dir",
      this.#layout.exitsFolder,
      "--container-pidfile",
      this.#layout.containerPidFile(uid),
      "--conmon-pidfile",
      this.#layout.conmonPidFile(uid),
      "--full-attach",
      "--log-path",
      `k8s-file:${this.#layout.logFile(uid)}`,
      "--log-size-max",
      String(logLimitBytes),
      // Syncing the log on every exit costs more than the last line of a log is worth.
      "--no-sync-log",
    ];
  }
}
