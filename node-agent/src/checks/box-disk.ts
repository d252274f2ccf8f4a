import { mkdir, truncate, writeFile } from "node:fs/promises";
import { runProgram } from "../engine/program/run-program.ts";

/** Gives the box a `/run` of its own. */
export async function mountRun(): Promise<void> {
  await runProgram(["mount", "--make-rprivate", "/"]);
  await runProgram(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"]);
}

/** A btrfs file system on a file in `/run`, which goes with the box. */
export async function mountDisk(folder: string, bytes: number): Promise<void> {
  const file = `${folder}.img`;
  await mkdir(folder, { recursive: true });
  await writeFile(file, "");
  await truncate(file, bytes);
  await runProgram(["mkfs.btrfs", "--quiet", file]);
  await runProgram(["mount", "-o", "loop", file, folder]);
}
