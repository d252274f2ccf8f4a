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
  readonly #server: PageServer;

  /** `earlier`: images of the last round. */
  constructor({ connection, host }: MemorySourceOptions, earlier?: ReadonlySet<string>) {
    this.#server = new PageServer({
      protocol: pageProtocol(host.criuVersion),
      ...(earlier === undefined ? {} : { earlier }),
      send: (buffer) => connection.sendPaced({ channel: channels.pages, flags: 0, buffer }),
    });
    // CRIU's own error says more; it comes when runc ends.
    this.#server.done.catch(() => {});
  }

  beginDump(socket: Socket): void {
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
}
