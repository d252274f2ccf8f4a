import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { frameHeaderBytes } from "../stream/frame.ts";
import { LazyRanges } from "./lazy-ranges.ts";
import {
  askPages,
  commands,
  entryFlags,
  imageTypes,
  pageBytes,
  pageProtocol,
  readUnsigned64,
  requestFlags,
} from "./page-server-protocol.ts";
import { PageService, type PageWish } from "./page-service.ts";
import { PagesFrameBuilder } from "./pages-frame.ts";

const protocol = pageProtocol("4.2");
const { requestBytes } = protocol;
const base = 0x7f00_0000_0000;
const process = 7;
/** Some of its pages came earlier. */
const patchy = 8;
let wishes: PageWish[];
let service: PageService;
let daemon: Socket;
let failures: Error[];
let received: Buffer;

beforeEach(async () => {
  wishes = [];
  failures = [];
  received = Buffer.alloc(0);
  service = new PageService({
    protocol,
    lazy: new Map([
      [process, new LazyRanges([{ address: base, pages: 100_000 }])],
      [
        patchy,
        new LazyRanges([
          { address: base, pages: 4 },
          { address: addressOf(8), pages: 4 },
        ]),
      ],
    ]),
    ask: (wish) => wishes.push(wish),
    failed: (error) => failures.push(error),
  });
  const listener = createServer((accepted) => {
    listener.close();
    service.serve(accepted);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  daemon = connect({ host: "127.0.0.1", port: (listener.address() as AddressInfo).port });
  daemon.on("data", (data: Buffer) => (received = Buffer.concat([received, data])));
});
afterEach(() => {
  daemon.destroy();
  service.close();
});

const addressOf = (page: number) => base + page * pageBytes;

const ask = (page: number, pages: number) => request(commands.get, page, pages);
const askUrgently = (page: number, pages = 1) => request(commands.get, page, pages, requestFlags.urgent);

function request(command: number, page = 0, pages = 0, flags = 0): void {
  const buffer = Buffer.alloc(requestBytes);
  buffer.writeUInt32LE((flags << 16) | command, 0);
  buffer.writeBigUInt64LE(BigInt(pages), 8);
  buffer.writeBigUInt64LE(BigInt(addressOf(page)), 16);
  buffer.writeBigUInt64LE(BigInt(process), 24);
  daemon.write(buffer);
}

/** What the source answers: each page begins with its number, every fifth is zero. */
function grant(wish: PageWish): void {
  const builder = new PagesFrameBuilder();
  builder.begin({ type: imageTypes.process, id: wish.process });
  for (const { address, pages } of wish.ranges) {
    builder.addEntry({ address, pages, flags: entryFlags.present | entryFlags.lazy });
    const space = builder.space(pages * pageBytes).fill(0);
    for (let page = 0; page < pages; page++) {
      const number = (address - base) / pageBytes + page;
      if (number % 5 !== 0) space.writeUInt32LE(number, page * pageBytes);
    }
    builder.filled(space.length);
  }
  const payload = Buffer.from(builder.finish().subarray(frameHeaderBytes));
  const { length } = payload;
  const header = { channel: 1, flags: 0, sequence: 0, payloadBytes: length, plainBytes: length, checksum: 0 } as const;
  service.take({ header, payload, release: () => {} });
}

const pagesIn = (wish: PageWish | undefined) => wish?.ranges.reduce((sum, { pages }) => sum + pages, 0);

/** Numbers below 1 that are the same for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 1 }).toBe(true);
}

async function read(bytes: number): Promise<Buffer> {
  await until(() => received.length >= bytes);
  const data = received.subarray(0, bytes);
  received = received.subarray(bytes);
  return data;
}

/** Reads one answer and checks what is in its pages. */
async function answer(): Promise<{ page: number; pages: number }> {
  const head = await read(requestBytes);
  expect(head.readUInt32LE(0)).toBe((entryFlags.present << 16) | commands.add);
  expect(readUnsigned64(head, 24)).toBe(process);
  const found = { page: (readUnsigned64(head, 16) - base) / pageBytes, pages: readUnsigned64(head, 8) };
  const data = await read(found.pages * pageBytes);
  const numbers = Array.from({ length: found.pages }, (_none, index) => found.page + index);
  expect(numbers.map((_none, index) => data.readUInt32LE(index * pageBytes))).toEqual(
    numbers.map((number) => (number % 5 === 0 ? 0 : number)),
  );
  return found;
}

it("asks for the page of a fault, urgently, and answers with that page", async () => {
  askUrgently(5_000);
  await until(() => wishes.length > 0);
  expect(wishes).toEqual([{ process, ranges: [{ address: addressOf(5_000), pages: 1 }], urgent: true }]);
  expect(service.isWaiting).toBe(true);
  for (const wish of wishes) grant(wish);
  expect(await answer()).toEqual({ page: 5_000, pages: 1 });
  expect(service.isWaiting).toBe(false);
});

it("asks once for what is waited for and for what lies beside it, and gives both in one answer", async () => {
  askUrgently(4_992, 16);
  await until(() => wishes.length > 0);
  expect(wishes).toEqual([{ process, ranges: [{ address: addressOf(4_992), pages: 16 }], urgent: true }]);
  for (const wish of wishes) grant(wish);
  expect(await answer()).toEqual({ page: 4_992, pages: 16 });
});

it.each([0, requestFlags.urgent])(
  "gives what is the source's to give, up to a page that isn't, flags %i",
  async (flags) => {
    daemon.write(protocol.getRequest(patchy, base, 16, flags));
    await until(() => wishes.length > 0);
    for (const wish of wishes) grant(wish);
    expect(protocol.readReply(await read(requestBytes))).toEqual({ process: patchy, address: base, pages: 4 });
  },
);

it("asks ahead of requests in order, and answers them from what has come", async () => {
  ask(0, 16);
  await until(() => wishes.length > 1);
  expect(wishes[0]).toEqual({ process, ranges: [{ address: base, pages: askPages }], urgent: false });
  expect(wishes[1]).toEqual({ process, ranges: [{ address: addressOf(askPages), pages: askPages }], urgent: false });
  for (const wish of wishes.splice(0)) grant(wish);
  expect(await answer()).toEqual({ page: 0, pages: 16 });
  ask(16, 32);
  expect(await answer()).toEqual({ page: 16, pages: 32 });
  // With less than was wanted, if not all of it is here.
  ask(48, 10_000);
  const { pages } = await answer();
  expect(pages).toBeGreaterThanOrEqual(askPages - 32);
});

it("answers first what comes first: who waits for a page does not wait for others", async () => {
  askUrgently(9_000);
  askUrgently(20_000);
  await until(() => wishes.length === 2);
  for (const wish of wishes.toReversed()) grant(wish);
  expect(await answer()).toEqual({ page: 20_000, pages: 1 });
  expect(await answer()).toEqual({ page: 9_000, pages: 1 });
});

it("never loses a page by asking ahead, however the daemon jumps, and holds no more than it may", async () => {
  let held = 0;
  for (const [page, pages] of [
    [0, 16],
    [50_000, 64],
    [100, 16],
    [40_000, 1],
    [51_000, 128],
    [116, 1024],
    [99_999, 1],
  ] as const) {
    (pages === 1 ? askUrgently : ask)(page, pages);
    await until(() => wishes.length > 0 || received.length > 0);
    for (let wish = wishes.shift(); wish !== undefined; wish = wishes.shift()) {
      held += pagesIn(wish) ?? 0;
      grant(wish);
    }
    expect((await answer()).page).toBe(page);
  }
  expect(held).toBeLessThan(40_000);
});

it("has hardly a page come twice, though page faults come between the requests in order", async () => {
  const all = 8_000;
  const served = new Set<number>();
  let asked = 0;
  const serve = async (page: number, pages: number) => {
    (pages === 1 ? askUrgently : ask)(page, pages);
    await until(() => wishes.length > 0 || received.length >= requestBytes);
    for (let wish = wishes.shift(); wish !== undefined; wish = wishes.shift()) {
      asked += pagesIn(wish) ?? 0;
      grant(wish);
    }
    const found = await answer();
    for (let at = 0; at < found.pages; at++) served.add(found.page + at);
  };
  for (let page = 0, turn = 0; page < all; turn++) {
    // Some of them just before the daemon, some far off.
    const fault = turn % 2 === 0 ? page + 700 + (turn % 50) * 20 : (turn * 7_919) % all;
    if (fault > page && fault < all && !served.has(fault)) await serve(fault, 1);
    let pages = 0;
    while (pages < 64 && !served.has(page + pages)) pages++;
    await serve(page, pages);
    while (served.has(page)) page++;
  }
  expect(asked).toBeLessThan((all + 16 * askPages) * 1.03);
});

it("answers a child that asks anew, in order, for all that its parent has had", async () => {
  const all = 4 * askPages;
  for (const _asker of ["parent", "child"]) {
    for (let page = 0; page < all;) {
      ask(page, askPages);
      await until(() => wishes.length > 0 || received.length >= requestBytes);
      for (let wish = wishes.shift(); wish !== undefined; wish = wishes.shift()) grant(wish);
      const found = await answer();
      expect(found.page).toBe(page);
      page += found.pages;
    }
  }
});

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "leaves nobody waiting, whoever else asks and ends meanwhile: seed %i",
  async (seed) => {
    const random = seededRandom(seed);
    const pick = (limit: number) => Math.floor(random() * limit);
    const all = 20_000;
    const askers = Array.from({ length: 4 }, () => ({ next: pick(all - 4 * askPages), left: 3 + pick(20) }));
    const waiting = new Map<number, number>();
    const isAnswered = () => received.length >= requestBytes;
    while (waiting.size > 0 || askers.some(({ left }) => left > 0)) {
      const asker = askers[pick(askers.length)];
      if (asker !== undefined && asker.left > 0 && waiting.size < 12) {
        const pages = 1 + pick(askPages);
        const page = pick(4) === 0 ? pick(all - askPages) : asker.next;
        (pick(4) === 0 ? askUrgently : ask)(page, pages);
        waiting.set(page, (waiting.get(page) ?? 0) + 1);
        asker.next = Math.min(page + pages, all - askPages);
        asker.left--;
      }
      await until(() => wishes.length > 0 || isAnswered() || waiting.size === 0);
      for (const wish of wishes.splice(0, 1 + pick(3))) grant(wish);
      while (isAnswered()) {
        const { page } = await answer();
        const others = (waiting.get(page) ?? 0) - 1;
        if (others > 0) waiting.set(page, others);
        else waiting.delete(page);
      }
    }
    expect(failures).toEqual([]);
  },
);

it("refuses pages that it had not asked for", () => {
  const stray = { process, ranges: [{ address: addressOf(3), pages: 1 }], urgent: true };
  expect(() => grant(stray)).toThrow(/nobody had asked for/);
});

it("says that it is over when the daemon closes, and fails at what it doesn't know", async () => {
  request(commands.forceClose);
  expect(await read(4)).toEqual(Buffer.alloc(4));
  request(77);
  await until(() => failures.length > 0);
  expect(failures[0]?.message).toMatch(/image type|command/);
});
