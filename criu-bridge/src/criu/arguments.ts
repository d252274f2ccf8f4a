import type { RuncContainer } from "../session/ports.ts";

export interface CheckpointArguments {
  container: RuncContainer;
  imagesFolder: string;
  workFolder: string;
  /** Of the round before, from the images folder: what was not written since is not dumped again. */
  parentPath?: string;
  /** The tasks run on afterwards. */
  leavesRunning?: boolean;
}

/** `runc` arguments of a dump whose pages go where the configuration file says. A move's never leaves the tasks running: the gate decides. */
export function checkpointArguments(dump: CheckpointArguments): string[] {
  const afterwards = dump.leavesRunning === true ? ["--leave-running"] : [];
  return [...dumpArguments(dump), ...afterwards, ...sharedArguments, dump.container.id];
}

/** `runc` arguments of a round: memory alone, and the tasks run on. */
export function preDumpArguments(dump: CheckpointArguments): string[] {
  return [...dumpArguments(dump), "--pre-dump", ...sharedArguments, dump.container.id];
}

function dumpArguments({ container, imagesFolder, workFolder, parentPath }: CheckpointArguments): string[] {
  return [
    "--root",
    container.runtimeRoot,
    "checkpoint",
    "--image-path",
    imagesFolder,
    "--work-path",
    workFolder,
    ...(parentPath === undefined ? [] : ["--parent-path", parentPath]),
  ];
}

export interface RestoreArguments {
  imagesFolder: string;
  workFolder: string;
  lazy: boolean;
}

/** What goes between `runc restore` and the rest that its caller knows. */
export function restoreArguments(restore: RestoreArguments): string[] {
  return [
    "--image-path",
    restore.imagesFolder,
    "--work-path",
    restore.workFolder,
    ...sharedArguments,
    ...(restore.lazy ? ["--lazy-pages"] : []),
  ];
}

/** Ignoring cgroups is left to the configuration file: runc 1.1 does not know that mode. */
const sharedArguments = ["--tcp-established", "--file-locks", "--ext-unix-sk"];
