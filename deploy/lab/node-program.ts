import { existsSync, readdirSync, statSync } from "node:fs";

/** Top of the checkout. */
export const repository = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/**
 * File that runs a package: its bundle, which loads several times faster, unless a source is newer.
 * Undefined where there is neither.
 */
export function nodeProgram(part: "controller" | "node-agent" | "vctl"): string | undefined {
  const source = `${repository}/${part}/src/main.ts`;
  const bundle = bundleOf(part);
  if (existsSync(bundle)) {
    const bundledMs = statSync(bundle).mtimeMs;
    const folders = [part, "shared", "criu-bridge"].map((name) => `${repository}/${name}/src`);
    if (!existsSync(source) || folders.every((folder) => newestMs(folder) <= bundledMs)) return bundle;
  }
  return existsSync(source) ? source : undefined;
}

export function bundleOf(part: string): string {
  return `${repository}/${part}/dist/main.js`;
}

function newestMs(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(".ts"),
  );
  return Math.max(0, ...files.map(({ parentPath, name }) => statSync(`${parentPath}/${name}`).mtimeMs));
}
