import { join } from "node:path";
import { checkpointArguments } from "../criu/arguments.ts";
import { lastComplaint, startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { firstCriuError } from "../criu/log.ts";
import type { OperationFolders } from "./operation-folders.ts";
import type { RuncContainer } from "./ports.ts";
import type { SessionHost } from "./session-options.ts";

/** Descriptor of CRIU's socket to the page server; runc passes on what it was given. Above those that runc takes for itself. */
export const pageSocket = 9;
const logName = "runc-checkpoint.log";

/** Starts the dump that the container's CRIU configuration describes. */
export function startDump(options: {
  host: SessionHost;
  folders: OperationFolders;
  container: RuncContainer;
}): Promise<BackgroundProgram> {
  const { host, folders, container } = options;
  return startInBackground({
    program: host.programs.runc,
    arguments: checkpointArguments({ container, imagesFolder: folders.images, workFolder: folders.work }),
    logFile: join(folders.work, logName),
    searchPath: host.searchPath,
    socketDescriptor: pageSocket,
  });
}

/** Why it failed. */
export function dumpComplaint({ work }: OperationFolders): string {
  return firstCriuError(join(work, "dump.log")) ?? lastComplaint(join(work, logName));
}
