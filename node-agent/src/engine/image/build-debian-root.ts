import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../program/run-program.ts";
import { buildArguments, recipeKey } from "./debian-recipe.ts";
import type { DebianRecipe } from "./debian-recipe.ts";
import { sourcesOf } from "./debian-sources.ts";
import type { SourcesFile } from "./debian-sources.ts";
import { lockFile } from "./file-lock.ts";

export interface BuildOptions {
  recipe: DebianRecipe;
  /** Empty folder on a real disk, removed afterwards by the caller. */
  scratchFolder: string;
  cacheFolder: string | undefined;
  packageProxy: string | undefined;
}

const buildTimeoutMs = 30 * 60_000;
const sourceFolder = "/etc/apt/sources.list.d";

/** Makes the root tar of a recipe, or finds it in the cache; returns the file. One build of a recipe at a time on a shared cache. */
export async function buildDebianRoot({
  recipe,
  scratchFolder,
  cacheFolder,
  packageProxy,
}: BuildOptions): Promise<string> {
  if (cacheFolder === undefined) return build(recipe, scratchFolder, packageProxy);
  await mkdir(cacheFolder, { recursive: true });
  const cached = join(cacheFolder, `${recipeKey(recipe, process.arch)}.tar.zst`);
  if (existsSync(cached)) return cached;
  const unlock = await lockFile(`${cached}.lock`);
  try {
    // Another agent may have built it while this one waited.
    if (existsSync(cached)) return cached;
    const tarFile = await build(recipe, scratchFolder, packageProxy);
    const draft = `${cached}.${process.pid}.partial`;
    try {
      await runProgram(["zstd", "--quiet", "-T0", "-3", "--force", tarFile, "-o", draft], {
        timeoutMs: buildTimeoutMs,
      });
      await rename(draft, cached);
    } finally {
      await rm(draft, { force: true });
    }
    await rm(tarFile);
    return cached;
  } finally {
    unlock();
  }
}

async function build(recipe: DebianRecipe, scratchFolder: string, packageProxy: string | undefined): Promise<string> {
  const tarFile = join(scratchFolder, "root.tar");
  const command = buildArguments(recipe, {
    tarFile,
    packageProxy,
    sources: recipe.mirror === undefined ? sourcesOf(recipe.suite, await hostSources()) : [recipe.mirror],
  });
  // Mounts of its own: whatever a failed build leaves mounted goes with it.
  await runProgram(["unshare", "--mount", ...command], {
    timeoutMs: buildTimeoutMs,
    env: { ...process.env, TMPDIR: scratchFolder },
  });
  return tarFile;
}

async function hostSources(): Promise<SourcesFile[]> {
  const paths = existsSync("/etc/apt/sources.list") ? ["/etc/apt/sources.list"] : [];
  if (existsSync(sourceFolder)) {
    const names = await readdir(sourceFolder);
    paths.push(
      ...names.filter((name) => /^debian\.(sources|list)$/.test(name)).map((name) => join(sourceFolder, name)),
    );
  }
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, "utf8") })));
}
