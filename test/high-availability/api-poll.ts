import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";

/** As the lab writes it. */
interface Kubeconfig {
  clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
  users: [{ user: { token: string } }];
}

const pauseMs = 50;
const answerTimeoutMs = 20_000;
/** Nothing else looks at it. */
const patched = "/api/v1/namespaces/default";

export interface Polled {
  /** Longest time from the first request that failed until one was answered. */
  outageMs: number;
  failures: number;
  /** The answer that took longest. */
  slowestMs: number;
  answers: number;
}

/** A client that reads, and one that writes, each all the time over connections of its own, and never tries again. */
export class ApiPoll {
  readonly #url: URL;
  readonly #ca: Buffer;
  readonly #token: string;
  readonly reads: Polled = { outageMs: 0, failures: 0, slowestMs: 0, answers: 0 };
  readonly writes: Polled = { outageMs: 0, failures: 0, slowestMs: 0, answers: 0 };
  #hasEnded = false;
  #loops: Promise<void>[] = [];
  #written = 0;

  constructor(kubeconfigFile: string) {
    const { clusters, users } = JSON.parse(readFileSync(kubeconfigFile, "utf8")) as Kubeconfig;
    const { cluster } = clusters[0];
    this.#url = new URL(cluster.server);
    this.#ca = Buffer.from(cluster["certificate-authority-data"], "base64");
    this.#token = users[0].user.token;
  }

  start(): void {
    this.#loops = [
      this.#loop(this.reads, () => this.#ask("GET", "/api/v1/nodes")),
      this.#loop(this.writes, () => {
        const body = { metadata: { annotations: { "vfleet.dev/poll": String(++this.#written) } } };
        return this.#ask("PATCH", patched, JSON.stringify(body));
      }),
    ];
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    await Promise.all(this.#loops);
  }

  async #loop(polled: Polled, ask: () => Promise<boolean>): Promise<void> {
    let failingSinceMs: number | undefined;
    while (!this.#hasEnded || failingSinceMs !== undefined) {
      const startedMs = performance.now();
      const isAnswered = await ask();
      const nowMs = performance.now();
      if (isAnswered) {
        polled.answers++;
        polled.slowestMs = Math.max(polled.slowestMs, Math.round(nowMs - startedMs));
        failingSinceMs = undefined;
      } else {
        polled.failures++;
        failingSinceMs ??= startedMs;
        polled.outageMs = Math.max(polled.outageMs, Math.round(nowMs - failingSinceMs));
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  #ask(method: string, path: string, body?: string): Promise<boolean> {
    const headers = {
      authorization: `Bearer ${this.#token}`,
      "content-type": "application/merge-patch+json",
    };
    const options = { method, headers, ca: this.#ca, agent: new Agent({ keepAlive: false }), timeout: answerTimeoutMs };
    return new Promise((resolve) => {
      const asked = request(new URL(path, this.#url), options, (response) => {
        response.resume();
        response.on("error", () => resolve(false));
        response.on("end", () => resolve((response.statusCode ?? 500) < 300));
      });
      asked.on("timeout", () => asked.destroy());
      asked.on("error", () => resolve(false));
      asked.end(body);
    });
  }
}
