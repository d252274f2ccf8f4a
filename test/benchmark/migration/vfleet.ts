import type { MigrationStatus } from "@vfleet/shared";
import type { Fleet } from "../../fleet/fleet.ts";
import type { Contender, Move } from "./contender.ts";
import { MemoryWatch } from "./memory-watch.ts";

const server = "benchmark";

/** Memory limit of a server for so much data: what redis keeps of it is a sixteenth more, and a fill has buffers. */
export function serverLimitMiB(dataMiB: number): number {
  return Math.max(2048, Math.ceil(dataMiB * 1.5));
}

/** The product, as an operator uses it. */
export class Vfleet implements Contender {
  readonly system = "vfleet";
  readonly mode: string;
  readonly #fleet: Fleet;

  constructor(fleet: Fleet, mode: string) {
    this.#fleet = fleet;
    this.mode = mode;
  }

  async start(dataMiB: number): Promise<string> {
    const { address } = await this.#fleet.haveRedis(server, "--memory", `${serverLimitMiB(dataMiB)}Mi`);
    return address;
  }

  async move(): Promise<Move> {
    const before = (await this.#fleet.server(server)).status?.nodeName ?? "";
    const target = before === "host-1" ? "host-2" : "host-1";
    const allowed = this.mode === "Postcopy" || this.mode === "Hybrid" ? ["--allow-post-copy"] : [];
    const memory = [before, target].map((host) => new MemoryWatch(this.#fleet.name, host));
    await this.#fleet.does("migrate", server, "--to", target, "--mode", this.mode, ...allowed);
    const status = (await this.#fleet.migrationsOf(server)).at(-1)?.status;
    if (status?.phase !== "Succeeded") throw new Error(`vfleet did not move it: ${status?.phase}`);
    const [senderPeakMiB = Number.NaN, receiverPeakMiB = Number.NaN] = memory.map((watch) => watch.peakMiB());
    return {
      totalMs: status.totalMs ?? Number.NaN,
      wireBytes: status.wireBytes ?? Number.NaN,
      insight: {
        memoryBytes: status.memoryBytes ?? Number.NaN,
        volumeBytes: status.volumeBytes ?? Number.NaN,
        restoreMs: atTarget(status, "restored") - atTarget(status, "complete"),
        fillMs: atTarget(status, "filled") - atTarget(status, "running"),
        senderPeakMiB,
        receiverPeakMiB,
      },
    };
  }

  async stop(): Promise<void> {
    await this.#fleet.remove(server);
  }
}

/** When a step of the target's timeline was reached. */
function atTarget(status: MigrationStatus, step: string): number {
  return status.timeline?.find((entry) => entry.side === "target" && entry.step === step)?.atMs ?? Number.NaN;
}
