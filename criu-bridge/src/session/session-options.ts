import type { Environment, Failpoints, Logger, MoveMode, TlsFiles } from "@vfleet/shared";
import type { CheckpointKey } from "../checkpoint/kept/checkpoint-key.ts";
import type { MigrationIdentity } from "./ports.ts";
import type { SessionReport } from "./session-report.ts";

/** What every session of a host gets. */
export interface SessionHost {
  environment: Environment;
  log: Logger;
  failpoints: Failpoints;
  programs: { criu: string; runc: string };
  /** PATH of what is started; runc looks for `criu` in it. */
  searchPath: string;
  /** Version of CRIU; both hosts must have the same. */
  criuVersion: string;
  /** On a tmpfs: images and sockets of operations under way. */
  runFolder: string;
  /** Survives reboots: logs, statistics and the state of operations. Programs may be started from it. */
  stateFolder: string;
  tls: TlsFiles;
  /** None: checkpoints are not encrypted. */
  checkpointKey?: CheckpointKey | undefined;
}

/** Post-copy: without a word from the other side for so long, while one is due, it is given up. */
export const fillStallLimitMs = 30_000;

export interface SessionOptions {
  host: SessionHost;
  identity: MigrationIdentity;
  /** The same on both sides. */
  mode: MoveMode;
  /** Told on every change of phase and a few times a second in between. */
  onProgress(report: SessionReport): void;
}
