import { readdirSync } from "node:fs";

const own = ["manifest.json", "manifest.json.new", "chunk-index", "chunks"];

/** Files of a checkpoint's folder that are members as they are. */
export function memberNames(folder: string): string[] {
  const top = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !own.includes(name));
  return top
    .flatMap((entry) =>
      entry.isDirectory()
        ? readdirSync(`${folder}/${entry.name}`).map((child) => `${entry.name}/${child}`)
        : [entry.name],
    )
    .toSorted();
}

export function isPagesName(name: string): boolean {
  return /^checkpoint\/pages-\d+\.img$/.test(name);
}
