import { spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
import { messageOf, systemEnvironment } from "@vfleet/shared";
import { wideProtocol } from "../pages/page-server-protocol.ts";
import { readLazyPages } from "../pages/read-page-map.ts";
import { MemoryFiller } from "./memory-filler.ts";
import { PageClient } from "./page-client.ts";
import { RestorerSocket } from "./restorer-socket.ts";

/** Descriptor of the socket to the page server. */
const pageSocket = 3;

/**
 * Fills the memory of what CRIU restores, in a process of its own: it goes on while the agent is started again. Started before it is
 * needed; goes to work at the first word on its input, and ends when nothing is missing any more.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { images: { type: "string" }, socket: { type: "string" } } });
  const { images = "", socket = "" } = values;
  // CRIU connects to a name in the folder that it works in; whole paths can be longer than an address has room for.
  process.chdir(dirname(socket));
  const restorer = new RestorerSocket(basename(socket));
  const [word] = await Promise.race([once(process.stdin, "data"), once(process.stdin, "end").then(() => [undefined])]);
  if (word === undefined) return 0;
  process.stdin.destroy();
  const source = new PageClient(new Socket({ fd: pageSocket }), wideProtocol);
  const filler = new MemoryFiller({ environment: systemEnvironment, restorer, source, lazy: readLazyPages(images) });
  try {
    await filler.run();
    return 0;
  } catch (thrown) {
    process.stderr.write(`${messageOf(thrown)}\n`);
    await holdOpen(filler.descriptors, images);
    return 1;
  }
}

/**
 * Without pages the tasks have to wait for their end; were their memory let go of, they would go on with zeroes. `name`: what this
 * program is known by to whoever ends them.
 */
async function holdOpen(descriptors: number[], name: string): Promise<void> {
  const holder = spawn("sh", ["-c", "while :; do sleep 86400; done", name], {
    stdio: ["ignore", "ignore", "ignore", ...descriptors],
  });
  await once(holder, "spawn");
}

process.exit(await main());
