import type { Environment, Logger, NetworkState, NetworkUpdate } from "@vfleet/shared";
import { NetworkCopy, networkMapSchema, networkStateSchema } from "@vfleet/shared";
import type { Disk } from "../disk.ts";
import type { NetworkDriver } from "../engine/network/network-driver.ts";

export interface NetworkFollowerOptions {
  driver: Pick<NetworkDriver, "applyMap">;
  /** What was known last is known again before the controller is. */
  file: string;
  disk: Disk;
  environment: Environment;
  log: Logger;
}

const keptSchema = networkMapSchema.extend(networkStateSchema.pick({ version: true }).shape);
/** After a power cut what came since is sent again, so it is written seldom. */
const keepMs = 5000;
/** A large map is programmed for at most a fifth of the time. */
const restShare = 4;

/** Keeps forwarding in line with the network map, of which changes come one by one. */
export class NetworkFollower {
  readonly #options: NetworkFollowerOptions;
  #copy = new NetworkCopy();
  #isProgramming = false;
  #isChanged = false;
  #isKeepDue = false;

  constructor(options: NetworkFollowerOptions) {
    this.#options = options;
  }

  get state(): NetworkState {
    return this.#copy.state;
  }

  /** A map that can't be read is none: the controller has it. */
  async open(): Promise<void> {
    const { file, disk, driver, log } = this.#options;
    const text = await disk.read(file);
    if (text === undefined) return;
    try {
      this.#copy = new NetworkCopy(keptSchema.parse(JSON.parse(text)));
    } catch (thrown) {
      log.warn({ err: thrown, file }, "network map not read");
      return;
    }
    await driver.applyMap(this.#copy.map);
  }

  apply(update: NetworkUpdate): void {
    if (!this.#copy.apply(update)) return;
    this.#isChanged = true;
    void this.#program();
    void this.#keepLater();
  }

  async #program(): Promise<void> {
    const { driver, environment, log } = this.#options;
    if (this.#isProgramming) return;
    this.#isProgramming = true;
    try {
      while (this.#isChanged) {
        this.#isChanged = false;
        const startedAtMs = environment.monotonicMs();
        await driver.applyMap(this.#copy.map);
        const tookMs = environment.monotonicMs() - startedAtMs;
        if (this.#isChanged) await environment.sleep(restShare * tookMs);
      }
    } catch (thrown) {
      log.error({ err: thrown }, "forwarding not programmed");
    } finally {
      this.#isProgramming = false;
    }
  }

  async #keepLater(): Promise<void> {
    const { environment, file, disk, log } = this.#options;
    if (this.#isKeepDue) return;
    this.#isKeepDue = true;
    await environment.sleep(keepMs);
    this.#isKeepDue = false;
    try {
      await disk.write(file, JSON.stringify(this.#copy.kept));
    } catch (thrown) {
      log.warn({ err: thrown, file }, "network map not kept");
    }
  }
}
