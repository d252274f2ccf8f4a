import { join } from "node:path";
import type { AgentConfig } from "@vfleet/shared";

/** Every file and folder of the agent, from its configuration. */
export class Layout {
  readonly #config: Pick<AgentConfig, "stateFolder" | "runFolder" | "volumesFolder">;

  constructor(config: Pick<AgentConfig, "stateFolder" | "runFolder" | "volumesFolder">) {
    this.#config = config;
  }

  /** One file per server: epoch, assignment, restarts. Survives reboots. */
  get recordsFolder(): string {
    return join(this.#config.stateFolder, "servers");
  }
  get assignmentFile(): string {
    return join(this.#config.stateFolder, "assignment.json");
  }
  get networkFile(): string {
    return join(this.#config.stateFolder, "network.json");
  }
  get logsFolder(): string {
    return join(this.#config.stateFolder, "logs");
  }
  logFile(uid: string): string {
    return join(this.logsFolder, `${uid}.log`);
  }
  /** A number for this boot: the run folder is a tmpfs, so it is gone after a power cut. */
  get bootIdFile(): string {
    return join(this.#config.runFolder, "boot-id");
  }
  /** What keeps the lease: gone after a power cut, as the servers are. */
  get fencingFolder(): string {
    return join(this.#config.runFolder, "fencing");
  }
  /** `runc --root`. */
  get runtimeRoot(): string {
    return join(this.#config.runFolder, "runc");
  }
  get containersFolder(): string {
    return join(this.#config.runFolder, "containers");
  }
  /** OCI bundle, process ids and sockets of a server. */
  bundle(uid: string): string {
    return join(this.containersFolder, uid);
  }
  /** Where the id-mapped volume is mounted. */
  rootMount(uid: string): string {
    return join(this.bundle(uid), "root");
  }
  criuConfig(uid: string): string {
    return join(this.bundle(uid), "criu.conf");
  }
  containerPidFile(uid: string): string {
    return join(this.bundle(uid), "container.pid");
  }
  conmonPidFile(uid: string): string {
    return join(this.bundle(uid), "conmon.pid");
  }
  /** conmon writes a file with the exit status here, named by the container. */
  get exitsFolder(): string {
    return join(this.#config.runFolder, "exits");
  }
  exitFile(uid: string): string {
    return join(this.exitsFolder, uid);
  }
  /** What runc itself remembers of a running container. */
  runtimeState(uid: string): string {
    return join(this.runtimeRoot, uid, "state.json");
  }
  /** runc's pipe that a made container waits on until it is started. */
  runtimeStartGate(uid: string): string {
    return join(this.runtimeRoot, uid, "exec.fifo");
  }
  /** Images, logs and sockets of migrations under way. */
  get migrationsFolder(): string {
    return join(this.#config.runFolder, "migrations");
  }
  get volumesFolder(): string {
    return this.#config.volumesFolder;
  }
  /** Scratch space on a real disk, for image builds. */
  get scratchFolder(): string {
    return join(this.#config.stateFolder, "scratch");
  }
}
