import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChunkPlace } from "../checkpoint/kept/checkpoint-pages.ts";
import { startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { agentSocket, type PagesPlace } from "../filling/agent-link.ts";
import type { PageService } from "../pages/page-service.ts";
import { fillingLog } from "./memory-target.ts";
import type { OperationFolders } from "./operation-folders.ts";
import type { SessionHost } from "./session-options.ts";

const program = fileURLToPath(new URL("../filling/fill-memory.ts", import.meta.url));

type FillingFolders = Pick<OperationFolders, "images" | "work" | "lazyPagesSocket" | "fillingExit">;

type FillingPlace = { store: string; index: string } | ChunkPlace | Record<string, never>;

/** The program that fills a restored server's memory. Made early, since its start takes a while; it then waits for its work. */
export class Filling {
  readonly #program: Promise<BackgroundProgram>;
  #hasBegun = false;

  /** `place`: where its pages are, where that isn't the images or the agent. */
  constructor(host: SessionHost, folders: FillingFolders, place: FillingPlace = {}) {
    const options = { images: folders.images, socket: folders.lazyPagesSocket, ...place };
    this.#program = startInBackground({
      program: process.execPath,
      arguments: [program, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])],
      logFile: join(folders.work, fillingLog),
      searchPath: host.searchPath,
      // It starts while a server is about to be frozen: three times as quick, and a third of the memory, without compiling.
      environment: { NODE_COMPILE_CACHE: join(host.stateFolder, "compiled") },
      socketDescriptor: agentSocket,
      takesInput: true,
      exitFile: folders.fillingExit,
    });
    // It is missed when it is needed.
    this.#program.catch(() => {});
  }

  /** The images are whole, and the pages are there; `service` has those that are the agent's to give. */
  async begin(from: PagesPlace, service?: PageService): Promise<BackgroundProgram> {
    this.#hasBegun = true;
    const program = await this.#program;
    if (program.socket !== undefined) service?.serve(program.socket);
    program.input?.end(from);
    return program;
  }

  /** One that has its work ends with it. */
  async close(): Promise<void> {
    await this.#program.then((program) => (this.#hasBegun ? undefined : program.kill())).catch(() => {});
  }
}
