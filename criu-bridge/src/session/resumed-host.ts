import { existsSync } from "node:fs";
import type { Environment, Logger } from "@vfleet/shared";
import { setImagedCgroups } from "../criu/cgroup-image.ts";
import { killTasks } from "../criu/container-tasks.ts";
import { thawTasks } from "../criu/freezer.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { argumentsOf } from "../criu/process-table.ts";
import { EarlierFilling } from "./earlier-filling.ts";
import { fillComplaint } from "./memory-target.ts";
import { operationFolders, removeFolder } from "./operation-folders.ts";
import type { RuncContainer } from "./ports.ts";
import { loadSession, saveSession, type SessionRecord } from "./session-file.ts";
import type { UnfinishedSession } from "./resumed-session.ts";
import type { SessionHost } from "./session-options.ts";

/** What an earlier process of the agent left of one operation, and what can be done about it. */
export interface ResumedHost {
  environment: Environment;
  log: Logger;
  record: SessionRecord;
  /** Whether a gate script may still ask. */
  readonly mayBeAsked: boolean;
  /** Answers gate scripts from here on; none where there can be none. */
  answer(decide: (gate: Gate) => Promise<GateVerdict>): Promise<{ close(): void } | undefined>;
  /** Of the program that fills a restored server's memory. */
  filling: Pick<EarlierFilling, "state" | "end">;
  fillComplaint(): string;
  /** The program that was started for it, another process's child, runs. */
  readonly isProgramRunning: boolean;
  kill(container: RuncContainer): void;
  thaw(container: RuncContainer): void;
  /** Throws while CRIU is in them. */
  setCgroups(container: RuncContainer): void;
  removeImages(): void;
  saveEnded(): void;
}

/** Of this host. */
export function resumedHost(host: SessionHost, unfinished: UnfinishedSession): ResumedHost {
  const { environment, log } = host;
  const folders = operationFolders(host, unfinished.identity.operation, unfinished.side);
  const record = loadSession(folders.sessionFile);
  if (record === undefined) throw new Error(`no session of operation ${unfinished.identity.operation}`);
  return {
    environment,
    log,
    record,
    get mayBeAsked() {
      return existsSync(folders.gateSocket);
    },
    answer: async (decide) => {
      if (!existsSync(folders.run)) return undefined;
      const keeper = new GateKeeper({ socketPath: folders.gateSocket, log, decide });
      await keeper.listen();
      return keeper;
    },
    filling: new EarlierFilling(folders, record.pid),
    fillComplaint: () => fillComplaint(folders.work),
    get isProgramRunning() {
      return record.pid !== undefined && argumentsOf(record.pid).length > 0;
    },
    kill: killTasks,
    thaw: thawTasks,
    setCgroups: (container) => setImagedCgroups(folders.images, container),
    removeImages: () => removeFolder(folders.run),
    saveEnded: () => saveSession(folders.sessionFile, { ...record, ended: true }),
  };
}
