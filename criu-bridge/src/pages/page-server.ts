import type { Socket } from "node:net";
import { fail } from "../errors.ts";
import { DirectReader, type ByteSink } from "../stream/direct-reader.ts";
import {
  commands,
  entryFlags,
  imageTypes,
  pageBytes,
  type ImageKey,
  type PageProtocol,
  type PageServerRequest,
} from "./page-server-protocol.ts";
import { PagesFrameBuilder, type PageEntry } from "./pages-frame.ts";
import { RequestHead } from "./request-head.ts";

/** Frames that may be on their way at once; with the frame's size this bounds the memory of a dump. */
const framesInFlight = 8;

export interface PageServerOptions {
  protocol: PageProtocol;
  /** Images of the round before, of which CRIU leaves out what was not written since. */
  earlier?: ReadonlySet<string>;
  /** Told of each entry, in order. */
  announced?(image: ImageKey, entry: PageEntry): void;
  /** Sends a finished buffer; it may be filled again once the promise resolves. */
  send(buffer: Buffer): Promise<void>;
}

/** Names an image among those of a dump. */
export function imageName({ type, id }: ImageKey): string {
  return type === imageTypes.process ? `pagemap-${id}.img` : `pagemap-shmem-${id}.img`;
}

/** What came from CRIU, for the target to compare. */
export interface PageTotals {
  images: number;
  pages: number;
}

/**
 * CRIU's page server: turns the pages of one dump into frames as they come. Over a Unix socket, since CRIU corks a TCP connection and its
 * last words then wait 200 ms for company.
 */
export class PageServer implements ByteSink {
  readonly #options: PageServerOptions;
  readonly #done = Promise.withResolvers<PageTotals>();
  readonly #free: PagesFrameBuilder[] = [];
  readonly #totals: PageTotals = { images: 0, pages: 0 };
  #socket: Socket | undefined;
  #builder: PagesFrameBuilder | undefined;
  #buildersMade = 0;
  #inFlight = 0;
  readonly #head: RequestHead;
  #image: ImageKey | undefined;
  /** Of the last request, still to come. */
  #dataBytes = 0;
  /** Waits for a free buffer. */
  #unanswered: PageServerRequest | undefined;
  #reader: DirectReader | undefined;
  #closing = false;

  constructor(options: PageServerOptions) {
    this.#options = options;
    this.#head = new RequestHead(options.protocol);
    this.#done.promise.catch(() => {});
  }

  /** Resolves when CRIU has closed the session and every page was handed to the stream. */
  get done(): Promise<PageTotals> {
    return this.#done.promise;
  }

  get pagesTaken(): number {
    return this.#totals.pages;
  }

  close(reason: Error = fail("page-server-protocol", { reason: "it was closed before the dump was complete" })): void {
    this.#done.reject(reason);
    this.#socket?.destroy();
  }

  /** Serves CRIU at the other end. */
  serve(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", (error) => this.close(error));
    socket.on("close", () => {
      // After its last request it has nothing to say, and the last frames may still be leaving.
      if (!this.#closing)
        this.close(fail("page-server-protocol", { reason: "CRIU closed the connection before the dump was complete" }));
    });
    const failed = (thrown: unknown) => this.close(thrown instanceof Error ? thrown : undefined);
    this.#reader = new DirectReader({ socket, sink: this, failed });
    this.#reader.start();
  }

  /** Requests come one at a time, so that the pages that follow can be read where they are sent from. */
  space(): Buffer | undefined {
    if (this.#unanswered !== undefined) return undefined;
    if (this.#dataBytes === 0) return this.#head.space();
    return this.#obtainBuilder()?.space(this.#dataBytes);
  }

  filled(bytes: number): void {
    if (this.#dataBytes > 0) {
      this.#builder?.filled(bytes);
      this.#dataBytes -= bytes;
      if (this.#builder?.isFull === true) this.#flush();
      return;
    }
    const request = this.#head.filled(bytes);
    if (request !== undefined && !this.#request(request)) this.#unanswered = request;
  }

  /** False where a buffer is needed first. */
  #request(request: PageServerRequest): boolean {
    switch (request.command) {
      case commands.open:
        return this.#open(request.image);
      case commands.parent:
        this.#answer(wordOf(this.#hasEarlier(request.image)));
        return true;
      case commands.add:
        return this.#add(request);
      case commands.close:
      case commands.forceClose:
        this.#flush();
        this.#closing = true;
        // All is here; CRIU goes on to its post-dump script while the last frames leave. `done` tells when they have.
        this.#answer(Buffer.alloc(4));
        this.#finishIfSent();
        return true;
      default:
        throw fail("page-server-protocol", { reason: `command ${request.command} is unknown` });
    }
  }

  #open(image: ImageKey): boolean {
    this.#flush();
    this.#image = image;
    if (this.#obtainBuilder() === undefined) return false;
    this.#totals.images++;
    this.#answer(wordOf(this.#hasEarlier(image)).subarray(0, 1));
    return true;
  }

  #hasEarlier(image: ImageKey): boolean {
    return this.#options.earlier?.has(imageName(image)) === true;
  }

  #add(request: PageServerRequest): boolean {
    const image = this.#image;
    if (image === undefined || image.id !== request.image.id || image.type !== request.image.type) {
      throw fail("page-server-protocol", { reason: "pages came for an image that is not open" });
    }
    const builder = this.#obtainBuilder();
    if (builder === undefined) return false;
    const entry = { address: request.address, pages: request.pages, flags: request.flags };
    builder.addEntry(entry);
    this.#options.announced?.(image, entry);
    if ((request.flags & entryFlags.present) !== 0) {
      this.#dataBytes = request.pages * pageBytes;
      this.#totals.pages += request.pages;
    }
    if (builder.isFull) this.#flush();
    return true;
  }

  #obtainBuilder(): PagesFrameBuilder | undefined {
    if (this.#builder !== undefined) return this.#builder;
    if (this.#image === undefined)
      throw fail("page-server-protocol", { reason: "pages came before an image was opened" });
    let builder = this.#free.pop();
    if (builder === undefined && this.#buildersMade < framesInFlight) {
      this.#buildersMade++;
      builder = new PagesFrameBuilder();
    }
    builder?.begin(this.#image);
    this.#builder = builder;
    return builder;
  }

  #flush(): void {
    const builder = this.#builder;
    if (builder === undefined) return;
    this.#builder = undefined;
    this.#inFlight++;
    this.#options.send(builder.finish()).then(
      () => {
        this.#inFlight--;
        this.#free.push(builder);
        this.#goOn();
      },
      (thrown: unknown) => this.close(thrown instanceof Error ? thrown : undefined),
    );
  }

  #goOn(): void {
    const request = this.#unanswered;
    try {
      if (request !== undefined && this.#request(request)) this.#unanswered = undefined;
    } catch (thrown) {
      this.close(thrown instanceof Error ? thrown : undefined);
      return;
    }
    this.#reader?.resume();
    this.#finishIfSent();
  }

  #finishIfSent(): void {
    if (this.#closing && this.#inFlight === 0) this.#done.resolve(this.#totals);
  }

  #answer(data: Buffer): void {
    this.#socket?.write(data);
  }
}

function wordOf(holds: boolean): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(holds ? 1 : 0);
  return word;
}
