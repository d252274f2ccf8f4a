import type { Environment } from "@vfleet/shared";
import { fail } from "../errors.ts";
import type { LazyRanges, PageRange } from "../pages/lazy-ranges.ts";
import { askPages, pageBytes } from "../pages/page-server-protocol.ts";
import { errorNumbers, pollReadable } from "./libc.ts";
import { MissingPages } from "./missing-pages.ts";
import type { ArrivedPages, PageSource } from "./page-source.ts";
import type { RestorerSocket } from "./restorer-socket.ts";
import { UserFault, type MemoryEvent, type Placed } from "./userfaultfd.ts";

/** A page that is waited for comes with those beside it, which are wanted next more often than not. */
const blockPages = 16;
/**
 * On their way without anybody waiting for them: few while the tasks come back to what they use all the time, since what is waited for
 * shares the processors with them; one more for so many that are in their places. More at once where nobody has waited for a while.
 */
const aheadPages = { least: 1, calm: 64, most: 256, oneMoreFor: 64 } as const;
/** Of one question ahead while somebody waits now and then: so long can an urgent one have to stand behind it. */
const busyQuestionPages = 32;
const calmMs = 5;
const questionsMax = 64;
/** Between two looks at whether there is nothing left to do. */
const pollMs = 50;
/** Tasks that change their memory have the processor taken away for less than this. */
const againLimitMs = 10_000;
const againPauseMs = 0.2;

/** One process whose memory is being filled, or a child that it had meanwhile. */
interface Space {
  /** By its id its pages are asked for. */
  process: number;
  memory: UserFault;
  missing: MissingPages;
  /** Pages that are on their way and that somebody waits for. */
  awaited: Set<number>;
  /** Read and not handled yet. */
  events: MemoryEvent[];
  isHandling: boolean;
}

interface Question {
  space: Space;
  image: number;
  pages: number;
  /** Nobody waits for it. */
  isAhead: boolean;
}

export interface FillerPages {
  source: PageSource;
  /** What is missing, by process. */
  lazy: ReadonlyMap<number, LazyRanges>;
}

export interface MemoryFillerOptions extends FillerPages {
  environment: Pick<Environment, "monotonicMs">;
  restorer: RestorerSocket;
}

/**
 * Fills the memory of restored processes: with what they touch at once, with the rest in order. Like `criu lazy-pages`, but several
 * questions are on their way at a time, and pages that couldn't be put in place because the tasks were changing their memory are put there
 * afterwards: CRIU's daemon comes back to those only at the end, while the task that touched them waits.
 */
export class MemoryFiller {
  readonly #options: MemoryFillerOptions;
  readonly #spaces = new Set<Space>();
  /** In the order in which they were asked. */
  readonly #questions = new Set<Question>();
  #aheadPages = 0;
  #donePages = 0;
  #faultedMs = 0;
  #isRestored = false;
  #failure: unknown;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: MemoryFillerOptions) {
    this.#options = options;
  }

  /** Of processes whose memory must not be let go of while pages are missing. */
  get descriptors(): number[] {
    return [...this.#spaces].map(({ memory }) => memory.fd);
  }

  /** Resolves once nothing is missing any more. */
  async run(): Promise<void> {
    const { restorer, source } = this.#options;
    source.open(
      (pages) => this.#arrived(pages),
      (thrown) => (this.#failure ??= thrown),
    );
    // An answer that nobody needs any more is waited for, too: whoever gives it would take a closed socket for a loss.
    while (!this.#isRestored || this.#spaces.size > 0 || this.#questions.size > 0) {
      const restorerFds = restorer.fd === undefined ? [] : [restorer.fd];
      const ready = await pollReadable([...restorerFds, ...this.descriptors], pollMs);
      if (this.#failure !== undefined) throw this.#failure;
      const readable = new Set(ready.filter(({ isReady }) => isReady).map(({ fd }) => fd));
      if (restorer.fd !== undefined && readable.has(restorer.fd)) this.#listen();
      for (const space of this.#spaces) if (readable.has(space.memory.fd)) this.#look(space);
      this.#goOn();
    }
  }

  #listen(): void {
    for (const word of this.#options.restorer.words()) {
      if (word === undefined) {
        if (!this.#isRestored) throw fail("restorer-protocol", { reason: "CRIU ended before it had restored" });
      } else if (word.kind === "finished") this.#isRestored = true;
      else this.#begin(word.process, word.fd);
    }
  }

  #begin(process: number, fd: number): void {
    const lazy = this.#options.lazy.get(process);
    this.#add(process, fd, new MissingPages(lazy?.all ?? []));
  }

  #add(process: number, fd: number, missing: MissingPages): void {
    const memory = new UserFault(fd);
    this.#spaces.add({ process, memory, missing, awaited: new Set(), events: [], isHandling: false });
  }

  /** What the tasks do is handled in the order in which they do it, also when this is called while that is going on. */
  #look(space: Space): void {
    const { memory, events } = space;
    events.push(...memory.events());
    if (space.isHandling) return;
    space.isHandling = true;
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      this.#handle(space, event);
      if (events.length === 0) events.push(...memory.events());
    }
    space.isHandling = false;
  }

  #handle(space: Space, event: MemoryEvent): void {
    const { memory, missing } = space;
    switch (event.kind) {
      case "fault":
        this.#fault(space, event.address);
        return;
      case "fork":
        this.#add(space.process, event.fd, missing.ofChild());
        return;
      case "remap":
        missing.move(event.from, event.to, event.bytes / pageBytes);
        return;
      case "remove":
        // The mapping stays, and is empty there from now on.
        memory.unregister(event.address, event.bytes);
        missing.drop(event.address, event.bytes / pageBytes);
        return;
      case "unmap":
        missing.drop(event.address, event.bytes / pageBytes);
        return;
    }
  }

  #fault(space: Space, address: number): void {
    this.#faultedMs = this.#options.environment.monotonicMs();
    space.awaited.add(address);
    if (space.missing.isAsked(address)) return;
    // Before that, mappings beside it may not be where they belong yet.
    const block = space.missing.askBlock(address, this.#isRestored ? blockPages : 1);
    if (block === undefined) this.#zero(space, address);
    else this.#ask({ space, image: block.image, pages: block.pages, isAhead: false });
  }

  #ask(question: Question): void {
    this.#questions.add(question);
    if (question.isAhead) this.#aheadPages += question.pages;
    const { space, image, pages, isAhead } = question;
    this.#options.source.ask({ process: space.process, image, pages, urgent: !isAhead });
  }

  #arrived({ process, image, data }: ArrivedPages): void {
    const pages = data.length / pageBytes;
    const question = this.#questionOf(process, image, pages);
    if (question === undefined) {
      this.#failure ??= fail("page-server-protocol", { reason: `pages at ${image} came that nobody had asked for` });
      return;
    }
    this.#questions.delete(question);
    if (question.isAhead) this.#aheadPages -= question.pages;
    this.#donePages += pages;
    const { space } = question;
    try {
      this.#put(space, image, data);
      if (pages < question.pages) this.#askRest(space, image + data.length, question.pages - pages);
      this.#goOn();
    } catch (thrown) {
      this.#failure ??= thrown;
    }
  }

  /** A process and its children may wait for the same pages: each answer is for whoever has asked for the fewest that it has. */
  #questionOf(process: number, image: number, pages: number): Question | undefined {
    let found: Question | undefined;
    for (const question of this.#questions) {
      const isAnswered = question.space.process === process && question.image === image && pages <= question.pages;
      if (isAnswered && question.pages < (found?.pages ?? Infinity)) found = question;
    }
    return found;
  }

  /** What the source had less of than was asked for. */
  #askRest(space: Space, image: number, pages: number): void {
    const places = space.missing.places(image, pages);
    space.missing.unask(image, pages);
    for (const place of places) {
      for (const address of [...space.awaited].filter((awaited) => isIn(place, awaited))) this.#fault(space, address);
    }
  }

  /** Where pages belong may change with every event, so each step looks anew. */
  #put(space: Space, image: number, data: Buffer): void {
    const next = () => (this.#spaces.has(space) ? space.missing.places(image, data.length / pageBytes)[0] : undefined);
    let untilMs: number | undefined;
    for (let place = next(); place !== undefined; place = next()) {
      const from = place.image - image;
      let put = space.memory.copy(place.address, data.subarray(from, from + place.pages * pageBytes));
      // It may lie in several mappings by now.
      if (put.stop === "unmapped" && place.pages > 1)
        put = space.memory.copy(place.address, data.subarray(from, from + pageBytes));
      untilMs =
        put.stop === "again" && put.pages === 0
          ? (untilMs ?? this.#options.environment.monotonicMs() + againLimitMs)
          : undefined;
      this.#note(space, place.address, put, untilMs);
    }
  }

  /** A page that was never filled. */
  #zero(space: Space, address: number): void {
    const untilMs = this.#options.environment.monotonicMs() + againLimitMs;
    let put: Placed;
    do {
      put = space.memory.zero(address);
      this.#note(space, address, put, untilMs);
    } while (put.stop === "again");
    if (put.stop === "unmapped") space.memory.wake(address);
  }

  #note(space: Space, address: number, { pages, stop }: Placed, untilMs = Infinity): void {
    if (pages > 0) {
      space.missing.drop(address, pages);
      for (const awaited of space.awaited) if (isIn({ address, pages }, awaited)) space.awaited.delete(awaited);
    } else if (stop === "again") {
      if (this.#options.environment.monotonicMs() > untilMs)
        throw fail("memory-not-filled", { errno: errorNumbers.again });
      this.#look(space);
      // Who has told what it does is on its way out of the kernel.
      Atomics.wait(this.#pause, 0, 0, againPauseMs);
    } else if (stop === "gone") this.#end(space);
    else {
      if (stop === "there") space.memory.wake(address);
      space.missing.drop(address, 1);
      space.awaited.delete(address);
    }
  }

  /** Asks for what nobody waits for, and lets go of processes that lack nothing. */
  #goOn(): void {
    if (!this.#isRestored) return;
    const isCalm = this.#options.environment.monotonicMs() - this.#faultedMs > calmMs;
    const grown = Math.min(aheadPages.most, aheadPages.least + Math.floor(this.#donePages / aheadPages.oneMoreFor));
    const limit = isCalm ? Math.max(aheadPages.calm, grown) : grown;
    for (const space of this.#spaces) {
      while (this.#aheadPages < limit && this.#questions.size < questionsMax) {
        const range = space.missing.askNext(isCalm ? askPages : busyQuestionPages);
        if (range === undefined) break;
        this.#ask({ space, image: range.image, pages: range.pages, isAhead: true });
      }
      if (space.missing.isEmpty) this.#end(space);
    }
  }

  #end(space: Space): void {
    if (this.#spaces.delete(space)) space.memory.close();
  }
}

function isIn({ address, pages }: PageRange, at: number): boolean {
  return at >= address && at < address + pages * pageBytes;
}
