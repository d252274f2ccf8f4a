import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import type { PageService } from "../pages/page-service.ts";
import { lazyPagesLog } from "./memory-target.ts";
import type { OperationFolders } from "./operation-folders.ts";
import type { SessionHost } from "./session-options.ts";

const program = fileURLToPath(new URL("../filling/fill-memory.ts", import.meta.url));
/** Where the program finds its socket to the page server. */
const pageSocket = 3;

/** The program that fills a server's memory with what this process hands it: started at once, since that takes a while. */
export class RemoteFilling {
  readonly #program: Promise<BackgroundProgram>;

  constructor(host: SessionHost, folders: OperationFolders) {
    this.#program = startInBackground({
      program: process.execPath,
      arguments: [program, "--images", folders.images, "--socket", folders.lazyPagesSocket],
      logFile: join(folders.work, lazyPagesLog),
      searchPath: host.searchPath,
      socketDescriptor: pageSocket,
      takesInput: true,
      exitFile: folders.fillingExit,
    });
    // It is missed when it is needed.
    this.#program.catch(() => {});
  }

  /** The images are there. */
  async begin(service: PageService): Promise<BackgroundProgram> {
    const program = await this.#program;
    if (program.socket !== undefined) service.serve(program.socket);
    program.input?.end("fill\n");
    return program;
  }

  /** One that has its work ends with it. */
  async close(): Promise<void> {
    await this.#program.then(({ input }) => input?.end()).catch(() => {});
  }
}
