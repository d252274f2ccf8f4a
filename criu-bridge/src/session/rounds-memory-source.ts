import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { MoveMode } from "@vfleet/shared";
import { fail } from "../errors.ts";
import { PageMapImage } from "../pages/page-map-image.ts";
import { imageName, PageServer, type PageTotals } from "../pages/page-server.ts";
import { pageProtocol, type ImageKey } from "../pages/page-server-protocol.ts";
import type { PageEntry } from "../pages/pages-frame.ts";
import type { PageWish } from "../pages/page-service.ts";
import { channels } from "../stream/frame.ts";
import { FrozenMemorySource } from "./frozen-memory-source.ts";
import type { MemoryRounds, MemorySource, MemorySourceOptions } from "./memory-source.ts";
import { dumpComplaint, startRound } from "./source-dump.ts";
import { StreamedMemorySource } from "./streamed-memory-source.ts";

/** Sends memory in rounds while the server runs, and what was written last while it is frozen or, by post-copy, when it is asked for. */
export class RoundsMemorySource implements MemorySource, MemoryRounds {
  readonly rounds = this;
  readonly #options: MemorySourceOptions;
  /** Names of the images of the last round. */
  #images = new Set<string>();
  #lastFolder: string | undefined;
  #server: PageServer | undefined;
  #roundPages = 0;
  #received: (() => void) | undefined;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<never>();
  #end: MemorySource | undefined;

  constructor(options: MemorySourceOptions) {
    this.#options = options;
    this.#closed.promise.catch(() => {});
    void options.connection.closed.then(() => this.#refuse());
  }

  async send(round: number): Promise<PageTotals> {
    const { host, server, container, folders, connection } = this.#options;
    if (this.#isClosed) return this.#closed.promise;
    const folder = join(folders.rounds, String(round));
    const maps = new RoundMaps(folder);
    const pageServer = new PageServer({
      protocol: pageProtocol(host.criuVersion),
      earlier: this.#images,
      announced: (image, entry) => maps.add(image, entry),
      send: (buffer) => connection.sendPaced({ channel: channels.pages, flags: 0, buffer }),
    });
    this.#server = pageServer;
    const program = await startRound({ host, folders, container, folder, earlier: this.#lastFolder });
    if (program.socket !== undefined) pageServer.serve(program.socket);
    const sent = pageServer.done;
    const exit = await program.exited;
    if (exit.code !== 0) {
      pageServer.close();
      throw fail("dump-failed", { server, reason: dumpComplaint(folder) });
    }
    const totals = await sent;
    this.#images = maps.write();
    this.#lastFolder = folder;
    const received = new Promise<void>((resolve) => (this.#received = resolve));
    await this.#options.send({ type: "round-sent", round, ...totals });
    await Promise.race([received, this.#closed.promise]);
    this.#roundPages += totals.pages;
    this.#server = undefined;
    return totals;
  }

  heard(): void {
    this.#received?.();
  }

  end(mode: MoveMode): void {
    this.#end =
      mode === "Hybrid" ? new FrozenMemorySource(this.#options) : new StreamedMemorySource(this.#options, this.#images);
  }

  get lastFolder(): string | undefined {
    return this.#lastFolder;
  }

  get leavesPages(): boolean {
    return this.#end?.leavesPages ?? false;
  }

  beginDump(socket: Socket): void {
    this.#ending.beginDump(socket);
  }

  dumped(): Promise<PageTotals> {
    return this.#ending.dumped();
  }

  give(wish: PageWish): void {
    this.#ending.give(wish);
  }

  get pages(): number {
    return this.#roundPages + (this.#server?.pagesTaken ?? 0) + (this.#end?.pages ?? 0);
  }

  get remainingPages(): number | undefined {
    return this.#end?.remainingPages;
  }

  /** A round under way fails; none begins any more. */
  close(): void {
    this.#refuse();
    this.#server?.close();
    this.#end?.close();
  }

  #refuse(): void {
    this.#isClosed = true;
    this.#closed.reject(fail("stream-closed", { peer: this.#options.server }));
  }

  get #ending(): MemorySource {
    if (this.#end === undefined)
      throw fail("stream-invalid", { reason: "pages were asked for while rounds were sent" });
    return this.#end;
  }
}

/** What CRIU wants to find of an earlier round when it dumps without a page server: which pages there were, not what was in them. */
class RoundMaps {
  readonly #folder: string;
  readonly #maps = new Map<string, PageMapImage>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(image: ImageKey, entry: PageEntry): void {
    const name = imageName(image);
    let map = this.#maps.get(name);
    if (map === undefined) {
      map = new PageMapImage(this.#maps.size + 1);
      this.#maps.set(name, map);
    }
    map.add(entry);
  }

  /** Gives the images' names. */
  write(): Set<string> {
    for (const [index, [name, map]] of [...this.#maps].entries()) {
      writeFileSync(join(this.#folder, name), map.bytes());
      writeFileSync(join(this.#folder, `pages-${index + 1}.img`), "");
    }
    return new Set(this.#maps.keys());
  }
}
