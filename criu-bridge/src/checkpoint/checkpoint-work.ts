import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gateScriptText } from "../criu/gate-script.ts";
import type { Freezer } from "../criu/freezer.ts";
import { removeFolder, replaceFile } from "../session/operation-folders.ts";
import type { SessionHost } from "../session/session-options.ts";

/** Where taking or restoring a checkpoint has its own things. */
export interface CheckpointWork {
  /** On a tmpfs; removed at the end. */
  run: string;
  gateSocket: string;
  fillingExit: string;
  /** Logs and statistics of CRIU; kept with those of moves. */
  work: string;
  gateScript: string;
  lazyPagesSocket: string;
}

/** Fresh, with the gate script in it. `operation`: unique. */
export function makeCheckpointWork(
  host: SessionHost,
  operation: string,
  dump: { freezer?: Freezer | undefined; keepsFrozen?: boolean } = {},
): CheckpointWork {
  const run = join(host.runFolder, "checkpoints", operation);
  const work = join(host.stateFolder, "operations", operation);
  const gateSocket = join(run, "gate.sock");
  const gateScript = join(work, "gate");
  removeFolder(run);
  mkdirSync(run, { recursive: true, mode: 0o700 });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  replaceFile(gateScript, gateScriptText(gateSocket, { ...dump, standsAlone: true }), 0o700);
  return {
    run,
    gateSocket,
    fillingExit: join(run, "filling-exit"),
    work,
    gateScript,
    lazyPagesSocket: join(work, "lazy-pages.socket"),
  };
}
