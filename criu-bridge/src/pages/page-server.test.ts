import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { channels, frameHeaderBytes } from "../stream/frame.ts";
import { PageImages } from "./page-images.ts";
import { commands, entryFlags, imageTypes, pageBytes, requestBytes } from "./page-server-protocol.ts";
import { PageServer } from "./page-server.ts";
import { receivePages } from "./pages-frame.ts";

const folder = mkdtempSync(join(tmpdir(), "pages-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** CRIU's end of a connection to the page server. */
async function criuTo(server: PageServer): Promise<Socket> {
  const listener = createServer((accepted) => {
    listener.close();
    server.serve(accepted);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return connect({ host: "127.0.0.1", port: (listener.address() as AddressInfo).port });
}

function request(command: number, { pages = 0, address = 0, id = 1 } = {}): Buffer {
  const buffer = Buffer.alloc(requestBytes);
  buffer.writeUInt32LE(command, 0);
  buffer.writeBigUInt64LE(BigInt(pages), 8);
  buffer.writeBigUInt64LE(BigInt(address), 16);
  buffer.writeBigUInt64LE((BigInt(id) << 8n) | BigInt(imageTypes.process), 24);
  return buffer;
}

const add = (pages: number, address: number, id = 1) =>
  request(commands.add | ((entryFlags.present | entryFlags.lazy) << 16), { pages, address, id });

it("turns what CRIU sends into the images that CRIU itself would have written", async () => {
  const images = new PageImages(folder, 1 << 30);
  const server = new PageServer({
    // As if by wire, into memory of its own.
    send: async (buffer) => {
      const payload = Buffer.from(buffer.subarray(frameHeaderBytes));
      const header = {
        channel: channels.pages,
        flags: 0,
        sequence: 0,
        payloadBytes: payload.length,
        plainBytes: payload.length,
        checksum: 0,
      };
      await images.take(receivePages({ header, payload, release: () => {} }));
    },
  });
  const socket = await criuTo(server);
  const first = Buffer.alloc(700 * pageBytes);
  for (let page = 0; page < 700; page++) first.fill(page % 3, page * pageBytes, (page + 1) * pageBytes);
  const second = Buffer.alloc(2 * pageBytes, 9);
  socket.write(Buffer.concat([request(commands.open), add(700, 0x10000), first]));
  socket.write(Buffer.concat([request(commands.open, { id: 2 }), add(2, 0x20000, 2), second, request(commands.close)]));
  const totals = await server.done;
  await images.finish(totals);
  socket.destroy();
  expect(totals).toEqual({ images: 2, pages: 702 });
  expect(readFileSync(join(folder, "pages-1.img")).equals(first)).toBe(true);
  expect(readFileSync(join(folder, "pages-2.img")).equals(second)).toBe(true);
  // Magic words, head {pages_id: 2}, entry {vaddr: 0x20000, compat: 0, flags: 6, nr_pages: 2}.
  expect(readFileSync(join(folder, "pagemap-2.img")).toString("hex")).toBe(
    "19435654254008560200000008020a00000008808008100020062802",
  );
});

it("ends with a reason when CRIU goes away in the middle", async () => {
  const server = new PageServer({ send: () => Promise.resolve() });
  const socket = await criuTo(server);
  socket.write(Buffer.concat([request(commands.open), add(10, 0x10000)]));
  await once(socket, "data");
  socket.destroy();
  await expect(server.done).rejects.toThrow(/before the dump was complete/);
});

it("refuses a command it doesn't know", async () => {
  const server = new PageServer({ send: () => Promise.resolve() });
  const socket = await criuTo(server);
  socket.write(request(77));
  await expect(server.done).rejects.toThrow(/command 77/);
  socket.destroy();
});
