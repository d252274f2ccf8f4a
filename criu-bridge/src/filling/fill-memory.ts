import { spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { basename, dirname } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { messageOf, systemEnvironment } from "@vfleet/shared/basics";
import { checkpointPages } from "../checkpoint/kept/checkpoint-pages.ts";
import { fail } from "../errors.ts";
import { wideProtocol } from "../pages/page-server-protocol.ts";
import { readLazyPages } from "../pages/read-page-map.ts";
import { StoredPages } from "../pages/stored-pages.ts";
import { FileSource } from "./file-source.ts";
import { agentSocket, pagesPlaces } from "./agent-link.ts";
import { MemoryFiller, type FillerPages } from "./memory-filler.ts";
import { PageClient } from "./page-client.ts";
import { RestorerSocket } from "./restorer-socket.ts";

/**
 * Fills the memory of what CRIU restores, in a process of its own: it goes on while the agent is started again. Started before it is
 * needed; goes to work when a word on its input says where the pages are, and ends when nothing is missing any more.
 *
 *     fill-memory --images FOLDER --socket PATH [--store FILE --index FILE | --chunks FOLDER --index FILE [--key FILE]]
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      images: { type: "string" },
      socket: { type: "string" },
      store: { type: "string", default: "" },
      index: { type: "string", default: "" },
      chunks: { type: "string", default: "" },
      key: { type: "string", default: "" },
    },
  });
  const { images = "", socket = "", store, index, chunks, key } = values;
  // CRIU connects to a name in the folder that it works in; whole paths can be longer than an address has room for.
  process.chdir(dirname(socket));
  const restorer = new RestorerSocket(basename(socket));
  const place = await text(process.stdin);
  // Nobody needs it.
  if (place === "") return 0;
  const pages = pagesFrom(place, { images, store, index, chunks, key });
  const filler = new MemoryFiller({ environment: systemEnvironment, restorer, ...pages });
  try {
    await filler.run();
    return 0;
  } catch (thrown) {
    process.stderr.write(`${messageOf(thrown)}\n`);
    if (filler.descriptors.length > 0) await holdOpen(filler.descriptors, images);
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

interface FillerPaths {
  images: string;
  store: string;
  index: string;
  chunks: string;
  key: string;
}

function pagesFrom(place: string, paths: FillerPaths): FillerPages {
  if (place === pagesPlaces.agent) {
    const source = new PageClient(new Socket({ fd: agentSocket }), wideProtocol);
    return { source, lazy: readLazyPages(paths.images) };
  }
  const pages = storedPages(place, paths);
  return { source: new FileSource(pages), lazy: pages.lazy() };
}

function storedPages(place: string, { images, ...paths }: FillerPaths): StoredPages {
  switch (place) {
    case pagesPlaces.store:
      return StoredPages.ofStore(paths);
    case pagesPlaces.images:
      return StoredPages.ofImages(images);
    case pagesPlaces.checkpoint:
      return StoredPages.ofImages(images, checkpointPages(paths));
    default:
      throw fail("restorer-protocol", { reason: `pages can't be in "${place}"` });
  }
}

process.exit(await main());
