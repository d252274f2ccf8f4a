import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { writeDurably } from "@vfleet/shared";

/** The agent's own files, small and written whole: the host's, or a simulated host's. */
export interface Disk {
  names(folder: string): Promise<string[]>;
  /** Undefined where there is no such file. */
  read(file: string): Promise<string | undefined>;
  /** Resolves when it would survive a power cut; after one before that it is the old content or the new. */
  write(file: string, text: string): Promise<void>;
  /** Done where it isn't there. */
  remove(file: string): Promise<void>;
  makeFolder(folder: string, mode: number): Promise<void>;
}

export const hostDisk: Disk = {
  names: (folder) => readdir(folder),
  read: async (file) => (existsSync(file) ? readFile(file, "utf8") : undefined),
  write: writeDurably,
  remove: (file) => rm(file, { force: true }),
  makeFolder: async (folder, mode) => {
    await mkdir(folder, { recursive: true, mode });
  },
};
