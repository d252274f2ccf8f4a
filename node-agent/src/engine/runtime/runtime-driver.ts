import type { Duplex, Readable, Writable } from "node:stream";
import type { RestoreRequest, RuncContainer } from "@vfleet/criu-bridge";
import type { ServerAssignment } from "@vfleet/shared";

/** What is seen of a server's container. `created`: its namespaces and port are there, its command has not begun. */
export type ContainerState =
  | { state: "none" }
  | { state: "created" | "running"; pid: number }
  /** Its bundle is there, its processes aren't; the exit code where it is known. */
  | { state: "exited"; exitCode: number | undefined };

export interface BundleRequest {
  server: ServerAssignment;
  /** Folder of the volume, files by their own ids. */
  volumeFolder: string;
  networkHook: readonly string[];
}

export interface ExecRequest {
  command: readonly string[];
  terminal: boolean;
}

/** A command in a running server. Without a terminal `stderr` is apart; with one everything is in `stdout`. */
export interface ExecSession {
  stdin: Writable;
  stdout: Readable | Duplex;
  stderr: Readable | undefined;
  resize(columns: number, rows: number): void;
  /** Exit code; 128 and the signal's number where a signal ended it. */
  ended: Promise<number>;
  kill(): void;
}

/**
 * Makes and ends containers. They run on when the agent ends; so do their output and the record of how they ended.
 * Steps in order: `prepareBundle`, then `create` and `start` or `restore`, then `stop`, then `remove`.
 */
export interface RuntimeDriver {
  /** What the bridge is told of a container. */
  container(uid: string): RuncContainer;
  /** Everything but the container: configuration, id-mapped root, log file. */
  prepareBundle(request: BundleRequest): Promise<void>;
  create(uid: string): Promise<void>;
  start(uid: string): Promise<void>;
  /** Resolves when the server runs; rejects with CRIU's reason. */
  restore(uid: string, restore: RestoreRequest): Promise<void>;
  inspect(uid: string): Promise<ContainerState>;
  /** Uids that something of a container is left of. */
  list(): Promise<string[]>;
  /** Calls back when a container ended, until the returned function is called. */
  watchExits(callback: (uid: string) => void): () => void;
  /** Asks with SIGTERM, waits, kills. Resolves when no process is left. */
  stop(uid: string, graceMs: number): Promise<void>;
  /** Takes everything of it away, running or not: processes, namespaces, cgroups, mounts, bundle. The volume stays. */
  remove(uid: string): Promise<void>;
  /** Changes limits of a running server. */
  updateLimits(uid: string, limits: ServerAssignment["limits"]): Promise<void>;
  exec(uid: string, request: ExecRequest): Promise<ExecSession>;
}
