import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { messageOf, type Logger } from "@vfleet/shared";
import { gates, passings, type Gate, type GateVerdict, type Passing } from "./gate-script.ts";

const requestLimitBytes = 64;

export interface GateKeeperOptions {
  socketPath: string;
  log: Logger;
  /** Decides. Where it throws the hook gets no answer and asks again: a failure here is no verdict. */
  decide(gate: Gate): Promise<GateVerdict>;
  /** Is told, and can't object. */
  pass?(passing: Passing): void;
}

/** Answers the gate scripts of one operation. */
export class GateKeeper {
  readonly #options: GateKeeperOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: GateKeeperOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  async listen(): Promise<void> {
    rmSync(this.#options.socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.socketPath, resolve);
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.#options.socketPath, { force: true });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    let request = "";
    socket.setEncoding("utf8");
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      request += text;
      if (request.length > requestLimitBytes) socket.destroy();
      else if (request.endsWith("\n")) void this.#answer(socket, request.trim());
    });
  }

  async #answer(socket: Socket, asked: string): Promise<void> {
    const gate = gates.find((candidate) => candidate === asked);
    if (gate === undefined) {
      const passing = passings.find((candidate) => candidate === asked);
      if (passing !== undefined) this.#options.pass?.(passing);
      socket.destroy();
      return;
    }
    try {
      socket.end(`${await this.#options.decide(gate)}\n`);
    } catch (thrown) {
      this.#options.log.warn({ gate, error: messageOf(thrown) }, "gate undecided");
      socket.destroy();
    }
  }
}
