import { connect } from "node:net";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

/** One TCP connection on which a line is answered by a line. */
export class LineClient {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  #failure: string | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    socket.on("error", (error) => (this.#failure = error.message));
  }

  /** Tries again until the server listens. */
  static async connect(host: string, port: number, attempts: number): Promise<LineClient> {
    for (let attempt = 1; ; attempt++) {
      try {
        return new LineClient(await connectOnce(host, port));
      } catch (error) {
        if (attempt === attempts) throw error;
        await delay(20);
      }
    }
  }

  async ask(question: string, timeoutMs: number): Promise<string> {
    this.#socket.write(`${question}\n`);
    const deadline = new AbortController();
    try {
      const answer = await Promise.race([
        this.#lines.next(),
        delay(timeoutMs, undefined, { signal: deadline.signal }).then(() =>
          Promise.reject(new Error(`no answer in ${timeoutMs} ms`)),
        ),
      ]);
      if (answer.done === true) throw new Error(this.#failure ?? "connection closed by the server");
      return answer.value;
    } finally {
      deadline.abort();
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

function connectOnce(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 1000 });
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("timeout", () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
  });
}
