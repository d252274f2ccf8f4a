import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@vfleet/shared";
import { restoreArguments } from "../criu/arguments.ts";
import type { BackgroundProgram } from "../criu/background-program.ts";
import { makeInitEnterable } from "../criu/enterable-init.ts";
import { makeImagedCgroups, setImagedCgroups } from "../criu/cgroup-image.ts";
import { firstCriuError } from "../criu/log.ts";
import { rearmTimers } from "../criu/rearm-timers.ts";
import { fail } from "../errors.ts";
import { fillComplaint, type MemoryTarget } from "./memory-target.ts";
import { readText, type OperationFolders } from "./operation-folders.ts";
import type { MigrationIdentity, TargetPorts } from "./ports.ts";
import type { SessionHost } from "./session-options.ts";
import type { SessionRun } from "./session-run.ts";

/** Emulated hosts take their time to start programs; one that has ended is seen at once. */
const listenLimitMs = 20_000;

export interface TargetRestoreOptions {
  host: SessionHost;
  identity: Pick<MigrationIdentity, "server">;
  ports: Pick<TargetPorts, "container" | "restore">;
  run: Pick<SessionRun, "timeline" | "save" | "log"> & { folders: RestoreFolders };
  memory: Pick<MemoryTarget, "startFilling">;
}

type RestoreFolders = Pick<OperationFolders, "images" | "work" | "gateScript" | "lazyPagesSocket">;

/** Restores a server whose images are here, and the daemon that fills its memory beside it. */
export class TargetRestore {
  readonly #options: TargetRestoreOptions;
  #daemon: BackgroundProgram | undefined;
  #ended: Promise<void> = Promise.resolve();
  #isGivenUp = false;

  constructor(options: TargetRestoreOptions) {
    this.#options = options;
  }

  /** Resolves once the server runs. */
  restore(): Promise<void> {
    const restored = this.#restore();
    this.#ended = restored.catch(() => {});
    return restored;
  }

  async #restore(): Promise<void> {
    const { ports, run, memory } = this.#options;
    this.#requireGate();
    run.timeline.mark("restore");
    rearmTimers(run.folders.images);
    makeInitEnterable(run.folders.images);
    makeImagedCgroups(run.folders.images, ports.container);
    const daemon = await memory.startFilling();
    this.#daemon = daemon;
    run.save(false, daemon.pid);
    await this.#listening(run.folders.lazyPagesSocket, daemon);
    if (this.#isGivenUp) {
      daemon.kill();
      throw fail("restore-failed", { server: this.#options.identity.server, reason: "it was given up" });
    }
    const folders = { imagesFolder: run.folders.images, workFolder: run.folders.work };
    const restored = ports.restore({ ...folders, arguments: restoreArguments({ ...folders, lazy: true }) });
    try {
      await restored;
      run.timeline.mark("restore-ended");
    } catch (thrown) {
      // Nobody is left to be filled.
      daemon.kill();
      const reason = firstCriuError(join(run.folders.work, "restore.log")) ?? messageOf(thrown);
      throw fail("restore-failed", { server: this.#options.identity.server, reason }, { cause: thrown });
    }
    try {
      setImagedCgroups(run.folders.images, ports.container);
    } catch (thrown) {
      // It runs: what limits it gave its own services is no reason to end it.
      run.log("limits of the server's own cgroups not set", thrown);
    }
  }

  /** Resolves once every page is in its place. */
  async filled(): Promise<void> {
    const { run, identity } = this.#options;
    const exit = await this.#daemon?.exited;
    if (exit?.code === 0) {
      run.timeline.mark("filled");
      return;
    }
    throw fail("lazy-pages-failed", { server: identity.server, reason: fillComplaint(run.folders.work) });
  }

  /** Resolves when no restore is under way any more. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** What is restored won't run, and must not wait for pages that don't come. Resolves when no restore is under way any more. */
  giveUp(): Promise<void> {
    this.#isGivenUp = true;
    this.#daemon?.kill();
    return this.#ended;
  }

  /** Whom it fills is dead. */
  endFilling(): void {
    this.#daemon?.kill();
  }

  /** Without its gate a restore would let the tasks run unasked. */
  #requireGate(): void {
    const { ports, run, identity } = this.#options;
    const { criuConfigPath } = ports.container;
    if (existsSync(criuConfigPath) && readText(criuConfigPath).includes(run.folders.gateScript)) return;
    throw fail("restore-failed", { server: identity.server, reason: "the configuration with its gate is gone" });
  }

  /** CRIU connects before its first action script, so no script can make it wait; a restore that finds nobody there fails. */
  async #listening(socketPath: string, daemon: BackgroundProgram): Promise<void> {
    const { host, identity, run } = this.#options;
    const { environment } = host;
    const untilMs = environment.monotonicMs() + listenLimitMs;
    const ended = { yet: false };
    void daemon.exited.then(() => (ended.yet = true));
    while (!existsSync(socketPath)) {
      if (ended.yet)
        throw fail("lazy-pages-failed", { server: identity.server, reason: fillComplaint(run.folders.work) });
      if (environment.monotonicMs() > untilMs)
        throw fail("lazy-pages-failed", { server: identity.server, reason: "it does not listen" });
      await environment.sleep(1);
    }
  }
}
