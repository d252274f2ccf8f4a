import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gateScriptText, type GateScriptOptions } from "../criu/gate-script.ts";

/** Where one operation has its things on one host. */
export interface OperationFolders {
  /** On a tmpfs; removed at the end. */
  run: string;
  images: string;
  /** What rounds of memory leave: a folder each at the source, one store at the target. */
  rounds: string;
  gateSocket: string;
  /** Of CRIU's daemon that fills a restored server's memory. */
  lazyPagesSocket: string;
  /** How the program that fills it has ended. */
  fillingExit: string;
  /** Logs, statistics, gate script and session state; kept. */
  work: string;
  gateScript: string;
  sessionFile: string;
}

export function operationFolders(
  host: { runFolder: string; stateFolder: string },
  operation: string,
  side: "source" | "target",
): OperationFolders {
  const run = join(host.runFolder, "migrations", `${operation}-${side}`);
  const work = join(host.stateFolder, "operations", `${operation}-${side}`);
  return {
    run,
    images: join(run, "images"),
    rounds: join(run, "rounds"),
    gateSocket: join(run, "gate.sock"),
    lazyPagesSocket: join(work, "lazy-pages.socket"),
    fillingExit: join(run, "filling-exit"),
    work,
    gateScript: join(work, "gate"),
    sessionFile: join(work, "session.json"),
  };
}

/** Fresh folders and the gate script; what an earlier attempt of the same operation left is gone. */
export function makeOperationFolders(folders: OperationFolders, script: GateScriptOptions = {}): void {
  removeFolder(folders.run);
  mkdirSync(folders.run, { recursive: true, mode: 0o700 });
  mkdirSync(folders.images);
  mkdirSync(folders.rounds);
  // While CRIU restores a server it reads here as the server's own users; the folder above keeps everybody else out.
  chmodSync(folders.images, 0o711);
  mkdirSync(folders.work, { recursive: true, mode: 0o700 });
  replaceFile(folders.gateScript, gateScriptText(folders.gateSocket, script), 0o700);
}

/** Images and sockets only ever hold plain files, so nothing mounted can be below. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Whole or not at all, for other processes. Not synced: after a power cut the operation is gone, whatever its files say. */
export function replaceFile(path: string, text: string, mode = 0o600): void {
  const draft = `${path}.new`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, path);
}

export function readText(path: string): string {
  return readFileSync(path, "utf8");
}
