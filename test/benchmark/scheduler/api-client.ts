import { Agent, request } from "node:https";

/** Requests under way at a time. */
const parallel = 32;

const groupPath = "/apis/vfleet.dev/v1";
export const serversPath = `${groupPath}/namespaces/default/virtualservers`;
export const drainsPath = `${groupPath}/drains`;
export const imagesPath = `${groupPath}/images`;

/** The controller's API over kept connections. */
export class ApiClient {
  readonly #options: { port: number; token: string; ca: Buffer };
  readonly #agent: Agent;

  constructor(options: { port: number; token: string; ca: Buffer }) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: parallel, ca: options.ca });
  }

  async isReady(): Promise<boolean> {
    try {
      return (await this.#ask("GET", "/readyz")).code === 200;
    } catch {
      return false;
    }
  }

  async create(path: string, object: object): Promise<void> {
    const answer = await this.#ask("POST", path, JSON.stringify(object));
    if (answer.code !== 201) throw new Error(`${path}: ${answer.code} ${answer.text}`);
  }

  async delete(path: string): Promise<void> {
    const answer = await this.#ask("DELETE", path);
    if (answer.code !== 200 && answer.code !== 202) throw new Error(`${path}: ${answer.code} ${answer.text}`);
  }

  /** Works through all of them, as many at a time as there are connections. */
  async each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const queue = items.values();
    await Promise.all(
      Array.from({ length: parallel }, async () => {
        for (const item of queue) await work(item);
      }),
    );
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(method: string, path: string, body?: string): Promise<{ code: number; text: string }> {
    const { port, token } = this.#options;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return new Promise((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => resolve({ code: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        answer.on("error", reject);
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }
}
