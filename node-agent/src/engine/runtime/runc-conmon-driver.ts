import { existsSync, watch } from "node:fs";
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RestoreRequest, RuncContainer } from "@vfleet/criu-bridge";
import { messageOf } from "@vfleet/shared";
import type { AgentConfig, Environment, ServerAssignment } from "@vfleet/shared";
import { z } from "zod";
import { agentError } from "../../agent-error.ts";
import { mountIdmapped } from "../kernel/idmapped-mount.ts";
import type { Layout } from "../layout.ts";
import { adjustableResources } from "../limits/cgroup-resources.ts";
import { delegateCgroups, removeCgroups } from "../limits/server-cgroups.ts";
import { findProgram, searchPathFor } from "../program/find-program.ts";
import { runProgram, tryProgram } from "../program/run-program.ts";
import { bundleConfiguration, stopSignalAnnotation } from "./bundle-configuration.ts";
import { startWithConmon } from "./conmon-start.ts";
import { readContainerState } from "./container-state.ts";
import { isolationProfiles } from "./isolation-profiles.ts";
import { startExec } from "./exec-session.ts";
import { runcView } from "./runc-view.ts";
import { RuntimeArguments } from "./runtime-arguments.ts";
import type { BundleRequest, ContainerState, ExecRequest, ExecSession, RuntimeDriver } from "./runtime-driver.ts";
import { endConmon } from "./unfinished-start.ts";

/** Bundles made by an agent of before have none. */
const stopSignalSchema = z.object({
  annotations: z.object({ [stopSignalAnnotation]: z.string().default("15") }).prefault({}),
});
/** How long a stopping server is looked at between the signal and its end. */
const stopPollMs = 20;
/** After SIGKILL only the kernel decides. */
const killWaitMs = 10_000;

/** System containers by runc, each held by a conmon. */
export class RuncConmonDriver implements RuntimeDriver {
  readonly #layout: Layout;
  readonly #environment: Environment;
  readonly #arguments: RuntimeArguments;
  readonly #cgroupParent: string;
  readonly #searchPath: string;

  constructor(config: Pick<AgentConfig, "programs" | "cgroupParent">, layout: Layout, environment: Environment) {
    this.#layout = layout;
    this.#environment = environment;
    this.#cgroupParent = config.cgroupParent;
    this.#searchPath = searchPathFor(config.programs.criu);
    const { runc, conmon } = config.programs;
    this.#arguments = new RuntimeArguments(
      { runc: findProgram(runc, this.#searchPath), conmon: findProgram(conmon, this.#searchPath) },
      layout,
    );
  }

  container(uid: string): RuncContainer {
    return {
      id: uid,
      runtimeRoot: this.#layout.runtimeRoot,
      bundle: this.#layout.bundle(uid),
      criuConfigPath: this.#layout.criuConfig(uid),
    };
  }

  async prepareBundle({ server, volumeFolder, networkHook }: BundleRequest): Promise<void> {
    const layout = this.#layout;
    const rootFolder = layout.rootMount(server.uid);
    await rm(layout.exitFile(server.uid), { force: true });
    await mkdir(rootFolder, { recursive: true, mode: 0o711 });
    const configuration = bundleConfiguration({
      server,
      rootFolder,
      cgroupsPath: this.#cgroupPath(server.uid),
      criuConfigPath: layout.criuConfig(server.uid),
      networkHook,
      searchPath: this.#searchPath,
    });
    await Promise.all([
      writeFile(join(layout.bundle(server.uid), "config.json"), JSON.stringify(configuration)),
      writeFile(layout.criuConfig(server.uid), "", { flag: "a" }),
      mountIdmapped({ source: volumeFolder, target: rootFolder, blockStart: server.idBlockStart }),
      isolationProfiles[server.isolation].dividesCgroups
        ? delegateCgroups(this.#cgroupPath(server.uid), server.idBlockStart)
        : undefined,
    ]);
  }

  async create(uid: string): Promise<void> {
    await this.#conmon(uid, this.#arguments.create(uid)).catch((thrown: unknown) => {
      throw agentError("container-create-failed", { uid, reason: messageOf(thrown) }, { cause: thrown });
    });
  }

  async start(uid: string): Promise<void> {
    await runProgram(this.#arguments.start(uid), { env: this.#programEnvironment() });
  }

  async restore(uid: string, restore: RestoreRequest): Promise<void> {
    await this.#conmon(uid, this.#arguments.restore(uid, restore)).catch((thrown: unknown) => {
      throw agentError("container-restore-failed", { uid, reason: messageOf(thrown) }, { cause: thrown });
    });
  }

  async inspect(uid: string): Promise<ContainerState> {
    return readContainerState(this.#layout, uid);
  }

  async list(): Promise<string[]> {
    const folders = [this.#layout.containersFolder, this.#layout.runtimeRoot].filter((folder) => existsSync(folder));
    const names = await Promise.all(folders.map((folder) => readdir(folder)));
    return [...new Set(names.flat())].toSorted();
  }

  watchExits(callback: (uid: string) => void): () => void {
    const watcher = watch(this.#layout.exitsFolder, (_event, name) => {
      if (name !== null && existsSync(this.#layout.exitFile(name))) callback(name);
    });
    return () => watcher.close();
  }

  async stop(uid: string, graceMs: number): Promise<void> {
    await tryProgram(this.#arguments.kill(uid, await this.#stopSignal(uid)));
    if (await this.#gone(uid, graceMs)) return;
    await tryProgram(this.#arguments.kill(uid, "KILL"));
    await this.#gone(uid, killWaitMs);
  }

  async remove(uid: string): Promise<void> {
    const layout = this.#layout;
    await tryProgram(this.#arguments.delete(uid));
    await endConmon(layout.conmonPidFile(uid), uid, this.#environment);
    await removeCgroups(this.#cgroupPath(uid), this.#environment);
    await this.#removeRemains(uid);
    const bundle = layout.bundle(uid);
    if (!existsSync(bundle)) return;
    const root = layout.rootMount(uid);
    // Off first, all of them: whatever is deleted below must not reach the volume.
    while ((await tryProgram(["umount", "--lazy", root])).status === 0);
    if (existsSync(root)) await rmdir(root);
    await rm(bundle, { recursive: true, force: true });
    await rm(layout.exitFile(uid), { force: true });
  }

  /** What a restore that was cut off leaves: runc doesn't know the container, yet refuses its name, and its root is still mounted. */
  async #removeRemains(uid: string): Promise<void> {
    const folder = dirname(this.#layout.runtimeState(uid));
    if (!existsSync(folder)) return;
    const root = join(folder, "criu-root");
    while ((await tryProgram(["umount", "--lazy", root])).status === 0);
    // Not recursive: nothing that could still be mounted is walked.
    if (existsSync(root)) await rmdir(root);
    await rm(this.#layout.runtimeState(uid), { force: true });
    await rmdir(folder);
  }

  async updateLimits(uid: string, limits: ServerAssignment["limits"]): Promise<void> {
    await runProgram(this.#arguments.update(uid), { input: JSON.stringify(adjustableResources(limits)) });
  }

  async exec(uid: string, request: ExecRequest): Promise<ExecSession> {
    const container = await this.inspect(uid);
    if (container.state !== "running") throw agentError("container-not-running", { uid });
    const view = await runcView(this.#layout, uid, container.pid);
    return startExec(this.#arguments.exec(uid, request, view), {
      terminal: request.terminal,
      searchPath: this.#searchPath,
    });
  }

  async #conmon(uid: string, command: readonly string[]): Promise<void> {
    await startWithConmon({
      command,
      searchPath: this.#searchPath,
      errorFile: join(this.#layout.bundle(uid), "conmon.log"),
    });
  }

  /** What its bundle says. One without a bundle has no process either. */
  async #stopSignal(uid: string): Promise<string> {
    const text = await readFile(join(this.#layout.bundle(uid), "config.json"), "utf8").catch(() => "{}");
    return stopSignalSchema.parse(JSON.parse(text)).annotations[stopSignalAnnotation];
  }

  #cgroupPath(uid: string): string {
    return join(this.#cgroupParent, uid);
  }

  #programEnvironment(): NodeJS.ProcessEnv {
    return { PATH: this.#searchPath };
  }

  async #gone(uid: string, withinMs: number): Promise<boolean> {
    const deadlineMs = this.#environment.monotonicMs() + withinMs;
    for (;;) {
      const { state } = await this.inspect(uid);
      if (state === "none" || state === "exited") return true;
      if (this.#environment.monotonicMs() >= deadlineMs) return false;
      await this.#environment.sleep(stopPollMs);
    }
  }
}
