import type { Socket } from "node:net";
import { fail } from "../errors.ts";
import { DirectReader, type ByteSink } from "../stream/direct-reader.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { HeldPages, heldFrameBytes } from "./held-pages.ts";
import { FetchProgress } from "./fetch-progress.ts";
import { countPages, type LazyRanges, type PageRange } from "./lazy-ranges.ts";
import {
  askPages,
  commands,
  pageBytes,
  requestFlags,
  type PageProtocol,
  type PageServerRequest,
} from "./page-server-protocol.ts";
import { RequestHead } from "./request-head.ts";
import { StoredAnswers } from "./stored-answers.ts";
import { receivePages, type PagesLayout, type ReceivedPages } from "./pages-frame.ts";
import type { StoredPages } from "./stored-pages.ts";

/** Of pages that wait for the daemon to ask for them. */
const heldLimitBytes = 48 * 1024 * 1024;
/** Questions ahead that may be under way: what an urgent answer has to wait behind. */
const asksAhead = 2;
const smallPayloadBytes = 128 * 1024;

/** Pages that are wanted of the source. */
export interface PageWish {
  process: number;
  ranges: PageRange[];
  /** Somebody waits for it. */
  urgent: boolean;
}

interface Request extends PageServerRequest {
  /** It goes on where the one before has ended. */
  isInOrder: boolean;
}

export interface PageServiceOptions {
  protocol: PageProtocol;
  /** By process. */
  lazy: ReadonlyMap<number, LazyRanges>;
  /** Came earlier: these are not asked for. */
  stored?: StoredPages;
  ask(wish: PageWish): void;
  failed(error: Error): void;
}

/**
 * The page server of whoever fills the memory, with pages that are on another host: what it asks for is asked of the source at once, and
 * of each process in which it moves on in order, the pages after that too. What has come is answered first. Nothing is lost by dropping
 * pages: the source has them until the end.
 */
export class PageService implements ByteSink {
  readonly #options: PageServiceOptions;
  readonly #progress: Map<number, FetchProgress>;
  readonly #held = new HeldPages({
    limitBytes: heldLimitBytes,
    dropped: (process, range) => this.#progress.get(process)?.dropped(range),
  });
  readonly #requests = new Set<Request>();
  readonly #head: RequestHead;
  readonly #stored: StoredAnswers | undefined;
  /** Asked of the source, in the order of the questions. */
  #asked: PageWish[] = [];
  #socket: Socket | undefined;
  #reader: DirectReader | undefined;
  #servedPages = 0;
  #arrivedPages = 0;

  constructor(options: PageServiceOptions) {
    this.#options = options;
    this.#head = new RequestHead(options.protocol);
    this.#stored = options.stored === undefined ? undefined : new StoredAnswers(options.stored, options.protocol);
    this.#progress = new Map([...options.lazy].map(([process, lazy]) => [process, new FetchProgress(lazy)] as const));
  }

  /** Given to the daemon. */
  get servedPages(): number {
    return this.#servedPages;
  }

  /** Come from the source; more than were served where some came twice or for nothing. */
  get arrivedPages(): number {
    return this.#arrivedPages;
  }

  /** The source owes an answer. */
  get isWaiting(): boolean {
    return this.#asked.length > 0;
  }

  serve(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", (error) => this.#options.failed(error));
    const failed = (thrown: unknown) => this.#fail(thrown);
    this.#reader = new DirectReader({ socket, sink: this, failed });
    this.#reader.start();
  }

  close(): void {
    this.#socket?.destroy();
    this.#held.clear();
  }

  space(): Buffer {
    return this.#head.space();
  }

  filled(bytes: number): void {
    const request = this.#head.filled(bytes);
    if (request === undefined) return;
    if (request.command === commands.close || request.command === commands.forceClose) {
      this.#socket?.write(Buffer.alloc(4));
      return;
    }
    if (request.command !== commands.get || request.pages === 0)
      throw fail("page-server-protocol", { reason: `command ${request.command} is unknown` });
    const isStored = (this.#stored?.countFor(request) ?? 0) > 0;
    const wanted = { ...request, isInOrder: !isStored && (request.flags & requestFlags.urgent) === 0 };
    if (wanted.isInOrder) this.#progressOf(wanted.image.id).follow(wanted.address, this.#countOf(wanted));
    this.#requests.add(wanted);
    this.#answer(wanted);
    this.#askAhead();
    this.#askBehind();
  }

  /** A frame of the pages channel: the answer to one question. */
  take(frame: ReceivedFrame): void {
    const received = receivePages(frame);
    const { layout } = received;
    const index = this.#asked.findIndex((wish) => answers(layout, wish));
    if (index < 0) throw fail("stream-invalid", { reason: "pages came that nobody had asked for" });
    this.#asked.splice(index, 1);
    this.#arrivedPages += layout.pageCount;
    this.#held.put(layout, ownMemory(received));
    for (const request of this.#requests) this.#answer(request);
    this.#askAhead();
    this.#askBehind();
  }

  #progressOf(process: number): FetchProgress {
    const progress = this.#progress.get(process);
    if (progress === undefined) throw fail("page-server-protocol", { reason: `process ${process} has no pages` });
    return progress;
  }

  /** Sees to it that the first page of a request that isn't here is on its way; what is asked ahead anyway needs no question of its own. */
  #require(request: Request, here: number): void {
    const { image, isInOrder } = request;
    const address = request.address + here * pageBytes;
    const progress = this.#progressOf(image.id);
    const place = progress.lazy.placeOf(address);
    // A child of the process may want again what the process has had.
    const isAgain = progress.asked.has(place);
    if (isAgain) {
      if (!progress.served.has(place) || this.#asked.some((wish) => covers(wish, image.id, address))) return;
    } else if (isInOrder && place >= progress.ahead) return;
    const wanted = this.#countOf(request) - here;
    const ranges = isAgain ? progress.servedRanges(place, wanted) : progress.missingRanges(place, wanted);
    this.#ask({ process: image.id, ranges, urgent: true });
  }

  /** What is asked ahead may turn away from a request in order, or have no room: then it is asked for like any other. */
  #askBehind(): void {
    const [request] = this.#requests;
    if (request === undefined || this.isWaiting) return;
    request.isInOrder = false;
    this.#answer(request);
  }

  #ask(wish: PageWish): void {
    this.#progress.get(wish.process)?.noteAsked(wish.ranges);
    this.#asked.push(wish);
    this.#options.ask(wish);
  }

  #askAhead(): void {
    let under = this.#asked.filter((wish) => !wish.urgent).length;
    for (const [process, progress] of this.#progress) {
      while (progress.mayAskAhead && under < asksAhead && this.#held.bytes + under * heldFrameBytes < heldLimitBytes) {
        const ranges = progress.nextRanges();
        if (ranges.length === 0) break;
        under++;
        this.#ask({ process, ranges, urgent: false });
      }
    }
  }

  /** What is asked of the source for it: at most up to a page that came earlier, with which its next answer begins. */
  #countOf({ image, address, pages }: Request): number {
    const count = this.#progressOf(image.id).lazy.countFrom(address, Math.min(pages, askPages));
    if (count === 0) throw fail("page-server-protocol", { reason: `there is no page at ${address.toString(16)}` });
    return count;
  }

  /** Done where it got an answer, which has all of that. */
  #answer(request: Request): void {
    if (this.#stored?.answer(this.#socket, request) !== true) {
      const here = this.#held.count(request.image.id, request.address, request.pages);
      if (here < this.#countOf(request)) {
        this.#require(request, here);
        return;
      }
      this.#answerFromHeld(request);
    }
    this.#requests.delete(request);
    if (request.isInOrder) this.#dropBehind(request);
  }

  #answerFromHeld({ image, address, pages }: Request): void {
    const socket = this.#socket;
    const taken = this.#held.take(image.id, address, pages);
    if (socket === undefined) return;
    this.#servedPages += taken.pages;
    const progress = this.#progress.get(image.id);
    progress?.served.add(progress.lazy.placeOf(address), taken.pages);
    socket.cork();
    socket.write(this.#options.protocol.pagesReply(image.id, address, taken.pages));
    for (const [index, buffer] of taken.buffers.entries()) {
      if (index < taken.buffers.length - 1) socket.write(buffer);
      else socket.write(buffer, () => taken.written());
    }
    socket.uncork();
  }

  /** Whoever goes on in order wants nothing any more of what lies before all that it waits for. */
  #dropBehind({ image, address }: Request): void {
    let lowest = address;
    for (const other of this.#requests) if (other.image.id === image.id) lowest = Math.min(lowest, other.address);
    this.#held.dropBelow(image.id, lowest);
  }

  #fail(thrown: unknown): void {
    this.#options.failed(thrown instanceof Error ? thrown : fail("page-server-protocol", { reason: String(thrown) }));
  }
}

/** The pages of small frames in memory of their size: a received frame's is the largest there can be. */
function ownMemory(received: ReceivedPages): Pick<ReceivedPages, "payload" | "release"> {
  if (received.payload.length > smallPayloadBytes) return received;
  const payload = Buffer.from(received.payload);
  received.release();
  return { payload, release: () => {} };
}

function answers({ image, entries, pageCount }: PagesLayout, { process, ranges }: PageWish): boolean {
  return (
    image.id === process &&
    pageCount === countPages(ranges) &&
    entries.length === ranges.length &&
    ranges.every((range, index) => range.address === entries[index]?.address && range.pages === entries[index].pages)
  );
}

function covers(wish: PageWish, process: number, address: number): boolean {
  return (
    wish.process === process &&
    wish.ranges.some((range) => address >= range.address && address < range.address + range.pages * pageBytes)
  );
}
