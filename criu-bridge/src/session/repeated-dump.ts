import type { Socket } from "node:net";
import { thaw, type Freezer } from "../criu/freezer.ts";
import { fail } from "../errors.ts";
import type { MigrationIdentity, RuncContainer } from "./ports.ts";
import type { SessionHost } from "./session-options.ts";
import type { SessionRun } from "./session-run.ts";
import { dumpComplaint, startDump } from "./source-dump.ts";
import { sourceLimits } from "./source-limits.ts";

export interface RepeatedDumpOptions {
  host: SessionHost;
  identity: MigrationIdentity;
  run: SessionRun;
  container: RuncContainer;
}

interface WantedDump {
  /** Images of the last round. */
  earlier: string | undefined;
  leavesPages: boolean;
  /** None where nothing can be frozen. */
  freezer: Freezer | undefined;
  begun(socket: Socket): void;
  /** May put it off. */
  failed(reason: string): void;
  /** Looked at before it is begun again. */
  isWanted(): boolean;
}

/** The dump of a server, begun again where it was put off. */
export class RepeatedDump {
  readonly #options: RepeatedDumpOptions;
  #putOff: string | undefined;

  constructor(options: RepeatedDumpOptions) {
    this.#options = options;
  }

  /** The one under way is about to fail at its gate, and that is meant; or has failed. */
  putOff(reason: string): void {
    this.#putOff = reason;
  }

  /** Resolves when one has ended well, or is wanted no more. */
  async finish(wanted: WantedDump): Promise<void> {
    const { host, identity, run, container } = this.#options;
    const { folders, timeline } = run;
    for (let dump = 1; ; dump++) {
      this.#putOff = undefined;
      timeline.mark("dump");
      const program = await startDump({ host, folders, container, ...wanted });
      if (program.socket !== undefined) wanted.begun(program.socket);
      run.save(false, program.pid);
      const { code } = await program.exited;
      if (code !== 0 && this.#putOff === undefined) wanted.failed(dumpComplaint(folders.work));
      const reason = this.#putOff;
      if (code === 0 || reason === undefined) {
        timeline.mark("runc-checkpoint-ended");
        if (code !== 0) throw fail("dump-failed", { server: identity.server, reason: dumpComplaint(folders.work) });
        return;
      }
      if (wanted.freezer !== undefined) thaw(wanted.freezer);
      timeline.fold(`dump-put-off-${dump}`, ["dump", "pre-dump", "frozen"]);
      host.log.info({ migration: identity.operation, dump, reason }, "dump put off");
      await run.waits(sourceLimits.settleMs);
      if (!wanted.isWanted()) return;
    }
  }
}
