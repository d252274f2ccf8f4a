import { join } from "node:path";
import { lazyPagesArguments } from "../criu/arguments.ts";
import { startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { holdOpen } from "../criu/hold-open.ts";
import type { PageService } from "../pages/page-service.ts";
import { lazyPagesLog } from "./memory-target.ts";
import type { OperationFolders } from "./operation-folders.ts";
import type { SessionHost } from "./session-options.ts";

/** Descriptor of the lazy-pages daemon's socket to its page server. */
const pageSocket = 9;

/** Starts the daemon that fills a server's memory with what this process hands it. */
export async function startRemoteFilling(options: {
  host: SessionHost;
  folders: OperationFolders;
  service: PageService;
}): Promise<BackgroundProgram> {
  const { host, folders, service } = options;
  const daemon = await startInBackground({
    program: host.programs.criu,
    arguments: lazyPagesArguments({ imagesFolder: folders.images, workFolder: folders.work, pageSocket }),
    logFile: join(folders.work, lazyPagesLog),
    searchPath: host.searchPath,
    socketDescriptor: pageSocket,
    exitFile: folders.fillingExit,
  });
  if (daemon.socket !== undefined) {
    holdOpen(daemon.socket, daemon.pid, host.searchPath);
    service.serve(daemon.socket);
  }
  return daemon;
}
