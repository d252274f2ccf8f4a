import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { checkpointArguments, preDumpArguments } from "../criu/arguments.ts";
import { lastComplaint, startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { criuConfigurationText } from "../criu/configuration.ts";
import { firstCriuError } from "../criu/log.ts";
import { replaceFile, type OperationFolders } from "./operation-folders.ts";
import type { RuncContainer } from "./ports.ts";
import type { SessionHost } from "./session-options.ts";

/** Descriptor of CRIU's socket to the page server; runc passes on what it was given. Above those that runc takes for itself. */
const pageSocket = 9;
const logName = "runc-checkpoint.log";

interface DumpOptions {
  host: SessionHost;
  folders: OperationFolders;
  container: RuncContainer;
  /** Images of the last round. */
  earlier: string | undefined;
}

/** Starts the dump of the frozen server. `leavesPages`: its memory stays where it is. */
export function startDump(options: DumpOptions & { leavesPages: boolean }): Promise<BackgroundProgram> {
  const { folders, container, leavesPages } = options;
  return start(options, {
    configuration: { leavesPages },
    arguments: checkpointArguments({
      container,
      imagesFolder: folders.images,
      workFolder: folders.work,
      ...parentOf(folders.images, options.earlier),
    }),
    workFolder: folders.work,
  });
}

/** Starts a round of memory, whose images and logs go into `folder`; the server runs on. */
export function startRound(options: DumpOptions & { folder: string }): Promise<BackgroundProgram> {
  const { container, folder } = options;
  mkdirSync(folder);
  return start(options, {
    configuration: {},
    arguments: preDumpArguments({
      container,
      imagesFolder: folder,
      workFolder: folder,
      ...parentOf(folder, options.earlier),
    }),
    workFolder: folder,
  });
}

/** Why it failed; of a round by its folder. */
export function dumpComplaint(workFolder: string): string {
  return firstCriuError(join(workFolder, "dump.log")) ?? lastComplaint(join(workFolder, logName));
}

function start(
  { host, folders, container }: DumpOptions,
  dump: { configuration: { leavesPages?: boolean }; arguments: string[]; workFolder: string },
): Promise<BackgroundProgram> {
  replaceFile(
    container.criuConfigPath,
    criuConfigurationText({ gateScript: folders.gateScript, pageSocket, ...dump.configuration }),
  );
  return startInBackground({
    program: host.programs.runc,
    arguments: dump.arguments,
    logFile: join(dump.workFolder, logName),
    searchPath: host.searchPath,
    socketDescriptor: pageSocket,
  });
}

/** runc takes it from the images folder only. */
function parentOf(imagesFolder: string, earlier: string | undefined): { parentPath?: string } {
  return earlier === undefined ? {} : { parentPath: relative(imagesFolder, earlier) };
}
