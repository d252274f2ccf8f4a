import type { RuncContainer } from "../session/ports.ts";

export interface CheckpointArguments {
  container: RuncContainer;
  imagesFolder: string;
  workFolder: string;
  /** Of the round before, from the images folder: what was not written since is not dumped again. */
  parentPath?: string;
}

/** `runc` arguments of a dump whose pages go where the configuration file says. Never leaves the tasks running: the gate decides. */
export function checkpointArguments(dump: CheckpointArguments): string[] {
  return [...dumpArguments(dump), ...sharedArguments, dump.container.id];
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

export interface LazyPagesArguments {
  imagesFolder: string;
  workFolder: string;
  /** Descriptor of the socket to the page server; without one the pages are in the images folder. */
  pageSocket?: number;
}

/** `criu` arguments of the daemon that fills a lazily restored server's memory. */
export function lazyPagesArguments(daemon: LazyPagesArguments): string[] {
  return [
    "lazy-pages",
    "--images-dir",
    daemon.imagesFolder,
    "--work-dir",
    daemon.workFolder,
    "--log-file",
    "lazy-pages.log",
    "-v2",
    ...(daemon.pageSocket === undefined ? [] : ["--page-server", "--ps-socket", String(daemon.pageSocket)]),
  ];
}

/** Ignoring cgroups is left to the configuration file: runc 1.1 does not know that mode. */
const sharedArguments = ["--tcp-established", "--file-locks", "--ext-unix-sk"];
