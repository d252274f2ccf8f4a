import type { Socket } from "node:net";
import { fail } from "../errors.ts";
import { pageProtocol } from "../pages/page-server-protocol.ts";
import { PageServer, type PageTotals } from "../pages/page-server.ts";
import { channels } from "../stream/frame.ts";
import type { MemorySource, MemorySourceOptions } from "./memory-source.ts";

/** Sends all pages while CRIU dumps them. */
export class StreamedMemorySource implements MemorySource {
  readonly leavesPages = false;
  readonly remainingPages = undefined;
  readonly #options: MemorySourceOptions;
  readonly #earlier: ReadonlySet<string> | undefined;
  #server: PageServer;
  #isServing = false;

  /** `earlier`: images of the last round. */
  constructor(options: MemorySourceOptions, earlier?: ReadonlySet<string>) {
    this.#options = options;
    this.#earlier = earlier;
    this.#server = this.#newServer();
  }

  beginDump(socket: Socket): void {
    // A dump that was put off has used its own, and sent nothing.
    if (this.#isServing) this.#server = this.#newServer();
    this.#isServing = true;
    this.#server.serve(socket);
  }

  dumped(): Promise<PageTotals> {
    return this.#server.done;
  }

  give(): void {
    throw fail("stream-invalid", { reason: "pages were asked for that had been sent" });
  }

  get pages(): number {
    return this.#server.pagesTaken;
  }

  close(): void {
    this.#server.close();
  }

  #newServer(): PageServer {
    const { connection, host } = this.#options;
    const server = new PageServer({
      protocol: pageProtocol(host.criuVersion),
      ...(this.#earlier === undefined ? {} : { earlier: this.#earlier }),
      send: (buffer) => connection.sendPaced({ channel: channels.pages, flags: 0, buffer }),
    });
    // CRIU's own error says more; it comes when runc ends.
    server.done.catch(() => {});
    return server;
  }
}
