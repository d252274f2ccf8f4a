import type { Fleet } from "../../fleet/fleet.ts";
import type { Contender, Move } from "./contender.ts";

const server = "benchmark";

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
    const { address } = await this.#fleet.haveRedis(server, "--memory", `${Math.max(2048, dataMiB * 2)}Mi`);
    return address;
  }

  async move(): Promise<Move> {
    const before = (await this.#fleet.server(server)).status?.nodeName ?? "";
    const target = before === "host-1" ? "host-2" : "host-1";
    const allowed = this.mode === "Postcopy" || this.mode === "Hybrid" ? ["--allow-post-copy"] : [];
    await this.#fleet.does("migrate", server, "--to", target, "--mode", this.mode, ...allowed);
    const status = (await this.#fleet.migrationsOf(server)).at(-1)?.status;
    if (status?.phase !== "Succeeded") throw new Error(`vfleet did not move it: ${status?.phase}`);
    return { totalMs: status.totalMs ?? Number.NaN, wireBytes: status.wireBytes ?? Number.NaN };
  }

  async stop(): Promise<void> {
    await this.#fleet.remove(server);
  }
}
