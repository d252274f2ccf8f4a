import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { removeFolder } from "./operation-folders.ts";
import { loadSession } from "./session-file.ts";
import type { SessionHost } from "./session-options.ts";

/** Ended operations whose logs are kept: what an operator reads when one has failed. */
const keptOperations = 20;

/** Removes the folders of the oldest ended operations; one that lost its server has its images still. */
export function pruneOperations({ stateFolder, runFolder }: Pick<SessionHost, "stateFolder" | "runFolder">): void {
  const parent = join(stateFolder, "operations");
  if (!existsSync(parent)) return;
  const ended = readdirSync(parent)
    .filter((name) => loadSession(join(parent, name, "session.json"))?.ended !== false)
    .map((name) => ({ name, changedMs: statSync(join(parent, name)).mtimeMs }))
    .toSorted((a, b) => b.changedMs - a.changedMs);
  for (const { name } of ended.slice(keptOperations)) {
    removeFolder(join(runFolder, "migrations", name));
    removeFolder(join(parent, name));
  }
}
