import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { channels, frameHeaderBytes } from "../stream/frame.ts";
import { commands, entryFlags, imageTypes, pageBytes, pageProtocol } from "./page-server-protocol.ts";
import { PageServer, type PageTotals } from "./page-server.ts";
import { PageStore } from "./page-store.ts";
import { receivePages } from "./pages-frame.ts";
import { FileSource } from "../filling/file-source.ts";
import { StoredPages, writePageIndex } from "./stored-pages.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "page-store-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const protocol = pageProtocol("4.2");
const { requestBytes } = protocol;

/** What a page holds, by address; 0: zeroes. */
type Memory = Map<number, number>;

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Writes, gives up and takes pages as a busy process does; returns the pages that were written. */
function live(memory: Memory, random: (below: number) => number): Set<number> {
  const written = new Set<number>();
  for (let count = random(60) + 1; count > 0; count--) {
    const address = (0x1000 + random(400)) * pageBytes;
    for (let page = 0; page < random(8) + 1; page++) {
      const at = address + page * pageBytes;
      if (random(5) === 0) memory.delete(at);
      else {
        memory.set(at, random(4) === 0 ? 0 : random(250) + 1);
        written.add(at);
      }
    }
  }
  return written;
}

interface Entry {
  address: number;
  pages: number;
  flags: number;
}

/** As CRIU dumps a process: pages not written since the last round are said to be there. */
function entriesOf(memory: Memory, written: Set<number>, isFirst: boolean): Entry[] {
  const entries: Entry[] = [];
  for (const address of [...memory.keys()].toSorted((a, b) => a - b)) {
    const isSent = isFirst || written.has(address);
    const flags = isSent ? entryFlags.present | (address % (16 * pageBytes) === 0 ? 0 : entryFlags.lazy) : 1;
    const last = entries.at(-1);
    if (last !== undefined && last.flags === flags && last.address + last.pages * pageBytes === address) last.pages++;
    else entries.push({ address, pages: 1, flags });
  }
  return entries;
}

function request(command: number, { pages = 0, address = 0, id = 1 } = {}): Buffer {
  const buffer = Buffer.alloc(requestBytes);
  buffer.writeUInt32LE(command, 0);
  buffer.writeBigUInt64LE(BigInt(pages), 8);
  buffer.writeBigUInt64LE(BigInt(address), 16);
  buffer.writeBigUInt64LE(command === commands.get ? BigInt(id) : (BigInt(id) << 8n) | BigInt(imageTypes.process), 24);
  return buffer;
}

async function socketTo(serve: (socket: Socket) => void): Promise<Socket> {
  const listener = createServer((accepted) => {
    listener.close();
    serve(accepted);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return connect({ host: "127.0.0.1", port: (listener.address() as AddressInfo).port });
}

/** One round, from CRIU's socket to the store. */
async function sendRound(
  store: PageStore,
  processes: readonly { id: number; memory: Memory; entries: readonly Entry[] }[],
): Promise<PageTotals> {
  const server = new PageServer({
    protocol,
    send: async (buffer) => {
      const payload = Buffer.from(buffer.subarray(frameHeaderBytes));
      const sizes = { payloadBytes: payload.length, plainBytes: payload.length, checksum: 0 };
      const header = { channel: channels.pages, flags: 0, sequence: 0, ...sizes };
      await store.take(receivePages({ header, payload, release: () => payload.fill(0xee) }));
    },
  });
  const socket = await socketTo((accepted) => server.serve(accepted));
  for (const { id, memory, entries } of processes) {
    socket.write(request(commands.open, { id }));
    for (const { address, pages, flags } of entries) {
      socket.write(request(commands.add | (flags << 16), { address, pages, id }));
      if ((flags & entryFlags.present) === 0) continue;
      for (let page = 0; page < pages; page++)
        socket.write(Buffer.alloc(pageBytes, memory.get(address + page * pageBytes)));
    }
  }
  socket.write(request(commands.close));
  const totals = await server.done;
  socket.destroy();
  await store.endRound(totals);
  return totals;
}

function contentOf(store: PageStore, id: number): Memory {
  const found: Memory = new Map();
  for (const { address, pages, slot } of store.processes.get(id)?.all ?? []) {
    const data = store.read(slot, pages);
    for (let page = 0; page < pages; page++) {
      const bytes = data.subarray(page * pageBytes, (page + 1) * pageBytes);
      const value = bytes[0] ?? -1;
      found.set(address + page * pageBytes, bytes.equals(Buffer.alloc(pageBytes, value)) ? value : -1);
    }
  }
  return found;
}

const byAddress = (memory: Memory) => [...memory].toSorted(([a], [b]) => a - b);

describe("a store of rounds", () => {
  it.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    "has the memory as it was last, seed %i",
    async (seed) => {
      const random = seeded(seed);
      const store = new PageStore(join(folder, "store"), 1 << 30);
      const memories = new Map<number, Memory>([
        [1, new Map()],
        [7, new Map()],
      ]);
      for (let round = 0; round < 6; round++) {
        const processes = [...memories].map(([id, memory]) => {
          const written = live(memory, random);
          return { id, memory, entries: entriesOf(memory, written, round === 0) };
        });
        await sendRound(store, processes);
        for (const { id, memory } of processes) expect(byAddress(contentOf(store, id))).toEqual(byAddress(memory));
      }
      await store.close();
    },
  );

  it("takes no more room for pages that come again", async () => {
    const store = new PageStore(join(folder, "store"), 1 << 30);
    const memory: Memory = new Map(Array.from({ length: 300 }, (_, page) => [0x100000 + page * pageBytes, 7]));
    for (let round = 0; round < 5; round++) {
      for (const address of memory.keys()) memory.set(address, round + 1);
      await sendRound(store, [{ id: 1, memory, entries: entriesOf(memory, new Set(memory.keys()), round === 0) }]);
    }
    await store.close();
    expect(readFileSync(store.path).length).toBe(300 * pageBytes);
    expect(readFileSync(store.path).every((byte) => byte === 5)).toBe(true);
  });

  it("refuses a page that was in no earlier round", async () => {
    const store = new PageStore(join(folder, "store"), 1 << 30);
    const memory: Memory = new Map([[0x100000, 1]]);
    const entries = [{ address: 0x100000, pages: 1, flags: entryFlags.parent }];
    await expect(sendRound(store, [{ id: 1, memory, entries }])).rejects.toThrow(/in no earlier round/);
    await store.close();
  });

  it("refuses more memory than was expected", async () => {
    const store = new PageStore(join(folder, "store"), 4 * pageBytes);
    const memory: Memory = new Map(Array.from({ length: 5 }, (_, page) => [0x100000 + page * pageBytes, 7]));
    const entries = entriesOf(memory, new Set(), true);
    await expect(sendRound(store, [{ id: 1, memory, entries }])).rejects.toThrow(/at most 4 pages/);
    await store.close();
  });

  it("gives its pages to CRIU's daemon from another process's point of view", async () => {
    const random = seeded(99);
    const store = new PageStore(join(folder, "store"), 1 << 30);
    const memory: Memory = new Map();
    for (let round = 0; round < 3; round++) {
      const written = live(memory, random);
      await sendRound(store, [{ id: 3, memory, entries: entriesOf(memory, written, round === 0) }]);
    }
    await store.close();
    const index = join(folder, "index");
    writePageIndex(index, store.processes);
    const pages = StoredPages.ofStore({ store: store.path, index });
    const source = new FileSource(pages);
    const arrived = new Map<number, Buffer>();
    const failures: unknown[] = [];
    const question = { process: 3, pages: 1, urgent: true };
    source.open(
      ({ image, data }) => arrived.set(image, Buffer.from(data)),
      (thrown) => failures.push(thrown),
    );
    for (const [address] of byAddress(memory)) source.ask({ ...question, image: address });
    await new Promise((resolve) => setImmediate(resolve));
    for (const [address, value] of byAddress(memory))
      expect(arrived.get(address)?.equals(Buffer.alloc(pageBytes, value))).toBe(true);
    source.ask({ ...question, image: 0x999_000 });
    await new Promise((resolve) => setImmediate(resolve));
    pages.close();
    expect(failures).toMatchObject([{ code: "page-server-protocol" }]);
  });
});
