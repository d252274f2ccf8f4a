import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { channels, frameHeaderBytes } from "../stream/frame.ts";
import { PageImages } from "./page-images.ts";
import { commands, entryFlags, imageTypes, pageBytes, pageProtocol } from "./page-server-protocol.ts";
import { PageServer } from "./page-server.ts";
import { receivePages } from "./pages-frame.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "pages-"))));
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

const protocol = pageProtocol("4.2");

/** As CRIU of a version sends it. */
function requestOf(version: string, command: number, { pages = 0, address = 0, id = 1 } = {}): Buffer {
  const isNarrow = version !== "4.2";
  const buffer = Buffer.alloc(isNarrow ? 24 : 32);
  buffer.writeUInt32LE(command, 0);
  if (isNarrow) buffer.writeUInt32LE(pages, 4);
  else buffer.writeBigUInt64LE(BigInt(pages), 8);
  buffer.writeBigUInt64LE(BigInt(address), buffer.length - 16);
  buffer.writeBigUInt64LE((BigInt(id) << 8n) | BigInt(imageTypes.process), buffer.length - 8);
  return buffer;
}

function request(command: number, about: { pages?: number; address?: number; id?: number } = {}): Buffer {
  return requestOf("4.2", command, about);
}

const addition = commands.add | ((entryFlags.present | entryFlags.lazy) << 16);
const add = (pages: number, address: number, id = 1) => request(addition, { pages, address, id });

it.each(["3.17.1", "4.1.1", "4.2", "4.2.1"])(
  "turns what CRIU %s sends into the images that it would have written",
  async (version) => {
    const images = new PageImages(folder, 1 << 30);
    const server = new PageServer({
      protocol: pageProtocol(version),
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
    const ask = (...[command, about]: [number, { pages?: number; address?: number; id?: number }?]) =>
      requestOf(version.startsWith("4.2") ? "4.2" : version, command, about);
    socket.write(Buffer.concat([ask(commands.open), ask(addition, { pages: 700, address: 0x10000 }), first]));
    const more = ask(addition, { pages: 2, address: 0x20000, id: 2 });
    socket.write(Buffer.concat([ask(commands.open, { id: 2 }), more, second, ask(commands.close)]));
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
  },
);

it("ends with a reason when CRIU goes away in the middle", async () => {
  const server = new PageServer({ protocol, send: () => Promise.resolve() });
  const socket = await criuTo(server);
  socket.write(Buffer.concat([request(commands.open), add(10, 0x10000)]));
  await once(socket, "data");
  socket.destroy();
  await expect(server.done).rejects.toThrow(/before the dump was complete/);
});

it("refuses a command it doesn't know", async () => {
  const server = new PageServer({ protocol, send: () => Promise.resolve() });
  const socket = await criuTo(server);
  socket.write(request(77));
  await expect(server.done).rejects.toThrow(/command 77/);
  socket.destroy();
});
