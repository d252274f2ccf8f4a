import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { systemEnvironment } from "@vfleet/shared";
import type { ClientReport } from "./counting-client.ts";
import { network } from "./host-folders.ts";
import { slowness } from "./slowness.ts";

/** More than can have been under way when the server was frozen. */
const enoughAnswers = 100;
const answersLimitMs = 10_000 * slowness;

/** The program that counts in the box's server, over one connection. */
export class BoxClient {
  readonly #connectsAgain: boolean;
  #process: ChildProcess;
  #heard = 0;

  /** `connectsAgain`: where the server is stopped in the middle. */
  constructor({ connectsAgain }: { connectsAgain: boolean }) {
    this.#connectsAgain = connectsAgain;
    this.#process = this.#start();
  }

  async report(): Promise<ClientReport> {
    const answered = new Promise<ClientReport>((resolve) => this.#process.once("message", resolve));
    this.#process.send("report");
    return answered;
  }

  /** Once it was answered again: TCP waits longer the longer nobody acknowledges. */
  async reportAnswered(): Promise<ClientReport> {
    let longestPauseMs = 0;
    for (const deadline = AbortSignal.timeout(answersLimitMs); ;) {
      const seen = await this.report();
      longestPauseMs = Math.max(longestPauseMs, seen.longestPauseMs);
      if (seen.answers > this.#heard + enoughAnswers || seen.error !== undefined || deadline.aborted) {
        this.#heard = seen.answers;
        return { ...seen, longestPauseMs };
      }
      await systemEnvironment.sleep(20);
    }
  }

  /** Another client, once it is answered. */
  async renew(): Promise<void> {
    this.end();
    this.#heard = 0;
    this.#process = this.#start();
    await this.reportAnswered();
  }

  end(): void {
    this.#process.kill();
  }

  #start(): ChildProcess {
    const options = [network.serverAddress, String(network.port), this.#connectsAgain ? "again" : "once"];
    return fork(fileURLToPath(new URL("counting-client.ts", import.meta.url)), options, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
  }
}
