import type { Socket } from "node:net";
import { freeze, processesOf } from "../criu/container-tasks.ts";
import { FrozenMemory } from "../pages/frozen-memory.ts";
import type { PageWish } from "../pages/page-service.ts";
import type { PageTotals } from "../pages/page-server.ts";
import { readLazyPages } from "../pages/read-page-map.ts";
import { fail } from "../errors.ts";
import { channels } from "../stream/frame.ts";
import type { MemorySource, MemorySourceOptions } from "./memory-source.ts";

/**
 * Leaves the pages with the frozen tasks and sends what the target asks for. CRIU would serve them itself, but only after its
 * `post-dump` script, and with that the gate would be gone; so its own server gets a closed socket and ends at once.
 */
export class FrozenMemorySource implements MemorySource {
  readonly leavesPages = true;
  readonly #options: MemorySourceOptions;
  #memory: FrozenMemory | undefined;
  #lazyPages = 0;

  constructor(options: MemorySourceOptions) {
    this.#options = options;
  }

  beginDump(socket: Socket): void {
    socket.destroy();
  }

  async dumped(): Promise<PageTotals> {
    const { container, folders, connection } = this.#options;
    freeze(container);
    const lazy = readLazyPages(folders.images);
    const running = processesOf(container);
    const processes = new Map<number, number>();
    for (const [inside, { pages }] of lazy) {
      if (pages === 0) continue;
      const hostId = running.get(inside);
      if (hostId === undefined) throw fail("stream-invalid", { reason: `process ${inside} of the dump is not there` });
      this.#lazyPages += pages;
      processes.set(inside, hostId);
    }
    this.#memory = new FrozenMemory({
      processes,
      send: (buffer, urgent) => {
        const frame = { channel: channels.pages, flags: 0, buffer };
        return urgent ? connection.sendInPlace(frame) : connection.sendPaced(frame);
      },
      failed: (error) => this.#options.failed(error),
    });
    return { images: 0, pages: 0 };
  }

  give(wish: PageWish): void {
    if (this.#memory === undefined) throw fail("stream-invalid", { reason: "pages were asked for too early" });
    this.#memory.give(wish);
  }

  get pages(): number {
    return this.#memory?.sentPages ?? 0;
  }

  /** Pages that the server has given up meanwhile are never asked for. */
  get remainingPages(): number | undefined {
    return this.#memory === undefined ? undefined : Math.max(0, this.#lazyPages - this.pages);
  }

  close(): void {
    this.#memory?.close();
  }
}
