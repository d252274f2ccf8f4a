import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { root } from "../fleet/paths.ts";
import { run } from "../fleet/program.ts";

const sources = `${root}test/workloads/kernel-state`;
const compiler = "gcc";
const compilerOptions = ["-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread"];
const emptyFolders = ["proc", "sys", "dev", "run", "etc", "tmp"];

export interface KernelStateImage {
  name: string;
  /** Root file system: the keeper and the programs in /bin, nothing else. */
  tarFile: string;
}

/** Programs that each make one kind of kernel state, compiled into a root of their own; made once for each state of the sources. */
export async function buildKernelStateImage(): Promise<KernelStateImage> {
  const files = (await readdir(sources)).toSorted();
  const hash = createHash("sha256").update(compilerOptions.join(" "));
  for (const file of files) hash.update(`\n${file}\n`).update(await readFile(join(sources, file)));
  const key = hash.digest("hex").slice(0, 16);
  const folder = `${root}.cache/kernel-state`;
  const image = { name: `kernel-state-${key}`, tarFile: join(folder, `${key}.tar`) };
  if (existsSync(image.tarFile)) return image;

  const draft = join(folder, `${key}.${process.pid}.partial`);
  for (const name of [...emptyFolders, "bin"]) await mkdir(join(draft, "root", name), { recursive: true });
  await chmod(join(draft, "root", "tmp"), 0o1777);
  const programs = files.filter((file) => file.endsWith(".c"));
  const compileNext = async (): Promise<void> => {
    for (let file = programs.pop(); file !== undefined; file = programs.pop())
      await does(
        compiler,
        ...compilerOptions,
        "-o",
        join(draft, "root", "bin", file.slice(0, -2)),
        join(sources, file),
      );
  };
  await Promise.all(Array.from({ length: availableParallelism() }, compileNext));
  await does("tar", "--create", "--owner=0", "--group=0", "--file", join(draft, "tar"), "-C", join(draft, "root"), ".");
  await rename(join(draft, "tar"), image.tarFile);
  await rm(draft, { recursive: true });
  return image;
}

async function does(program: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stderr}`);
}
