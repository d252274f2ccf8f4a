import { once } from "node:events";
import { parseArgs } from "node:util";
import { lazyPagesArguments } from "../criu/arguments.ts";
import { holdOpen } from "../criu/hold-open.ts";
import { startInBackground } from "../criu/background-program.ts";
import { messageOf } from "@vfleet/shared";
import { pageProtocol } from "./page-server-protocol.ts";
import { StoredPageServer } from "./stored-page-server.ts";
import { StoredPages } from "./stored-pages.ts";

/** Descriptor of the lazy-pages daemon's socket to this process. */
const pageSocket = 9;

/**
 * Fills the memory of a restored server from a store on this host, in a process of its own: it goes on while the agent is started
 * again. Started long before it is needed; goes to work at the first word on its input, and ends with CRIU's daemon.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      images: { type: "string" },
      work: { type: "string" },
      store: { type: "string" },
      index: { type: "string" },
      criu: { type: "string" },
      "criu-version": { type: "string" },
      log: { type: "string" },
    },
  });
  const { images = "", work = "", store = "", index = "", criu = "", log = "" } = values;
  const protocol = pageProtocol(values["criu-version"] ?? "");
  const [word] = await Promise.race([once(process.stdin, "data"), once(process.stdin, "end").then(() => [undefined])]);
  if (word === undefined) return 0;
  process.stdin.destroy();
  const daemon = await startInBackground({
    program: criu,
    arguments: lazyPagesArguments({ imagesFolder: images, workFolder: work, pageSocket }),
    logFile: log,
    searchPath: process.env["PATH"] ?? "",
    socketDescriptor: pageSocket,
    isAwaited: true,
  });
  const { socket } = daemon;
  if (socket === undefined) return 1;
  holdOpen(socket, daemon.pid, process.env["PATH"] ?? "");
  socket.on("error", () => {});
  new StoredPageServer(new StoredPages({ store, index }), protocol).serve(socket, (thrown) => {
    // Its socket stays open behind it: without pages the tasks have to wait for their end, not to go on with zeroes.
    process.stderr.write(`${messageOf(thrown)}\n`);
    process.exit(1);
  });
  const { code } = await daemon.exited;
  return code ?? 1;
}

process.exit(await main());
