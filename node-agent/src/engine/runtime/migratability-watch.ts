import type { AgentConfig, Environment, Logger, Migratability, ServerReport } from "@vfleet/shared";
import { processCgroup } from "../limits/process-cgroup.ts";
import { readMigratability } from "./migratability.ts";
import type { RuntimeDriver } from "./runtime-driver.ts";

export interface MigratabilityWatchOptions {
  config: Pick<AgentConfig, "cgroupParent">;
  runtime: Pick<RuntimeDriver, "inspect">;
  environment: Environment;
  log: Logger;
  /** What runs here. */
  servers: () => readonly ServerReport[];
  /** Called when a server can be dumped that couldn't, or the other way round. */
  onChange: () => void;
}

const everyMs = 10_000;
/** With many processes looking takes long: at most one part in so many of one processor's time goes into it. */
const restShare = 50;

/** Looks now and then whether what runs here could be dumped, so that a move can be refused before its server is frozen. */
export class MigratabilityWatch {
  readonly #options: MigratabilityWatchOptions;
  readonly #known = new Map<string, { run: string; seen: Migratability }>();
  readonly #stop = new AbortController();

  constructor(options: MigratabilityWatchOptions) {
    this.#options = options;
  }

  open(): void {
    this.#loop().catch((thrown: unknown) => {
      if (!this.#stop.signal.aborted) this.#options.log.error({ err: thrown }, "servers are no longer looked at");
    });
  }

  close(): void {
    this.#stop.abort();
  }

  /** The report with what was seen of its server, if it was looked at since it came or started here. */
  withSeen(report: ServerReport): ServerReport {
    const known = this.#known.get(report.uid);
    return known?.run === runOf(report) ? { ...report, migratable: known.seen } : report;
  }

  async #loop(): Promise<void> {
    const { environment } = this.#options;
    while (!this.#stop.signal.aborted) {
      const beganMs = environment.monotonicMs();
      await this.#look();
      const tookMs = environment.monotonicMs() - beganMs;
      await environment.sleep(Math.max(everyMs, tookMs * restShare), this.#stop.signal);
    }
  }

  async #look(): Promise<void> {
    const { servers, runtime, config, onChange } = this.#options;
    const all = servers();
    const held = new Set(all.map(({ uid }) => uid));
    for (const uid of this.#known.keys()) if (!held.has(uid)) this.#known.delete(uid);
    let isNews = false;
    // One that moves is left alone: it is in CRIU's hands.
    for (const report of all.filter(({ phase }) => phase === "Running")) {
      const { uid } = report;
      const container = await runtime.inspect(uid);
      if (container.state !== "running") continue;
      const seen = await readMigratability(processCgroup(config.cgroupParent, uid), container.pid);
      if (seen === undefined) continue;
      const known = { run: runOf(report), seen };
      isNews ||= JSON.stringify(this.#known.get(uid)) !== JSON.stringify(known);
      this.#known.set(uid, known);
    }
    if (isNews) onChange();
  }
}

/** The same tasks: what was seen of others says nothing of these. */
function runOf({ epoch, startedAtMs }: ServerReport): string {
  return `${epoch} ${startedAtMs ?? ""}`;
}
