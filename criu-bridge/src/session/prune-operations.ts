import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { removeFolder } from "./operation-folders.ts";
import { loadSession } from "./session-file.ts";
import type { SessionHost } from "./session-options.ts";

/** Ended operations whose logs are kept: what an operator reads when one has failed. */
const keptOperations = 20;

/** Removes the folders of the oldest ended operations. */
export function pruneOperations({ stateFolder }: Pick<SessionHost, "stateFolder">): void {
  const parent = join(stateFolder, "operations");
  if (!existsSync(parent)) return;
  const ended = readdirSync(parent)
    .map((name) => join(parent, name))
    .filter((folder) => loadSession(join(folder, "session.json"))?.ended !== false)
    .map((folder) => ({ folder, changedMs: statSync(folder).mtimeMs }))
    .toSorted((a, b) => b.changedMs - a.changedMs);
  for (const { folder } of ended.slice(keptOperations)) removeFolder(folder);
}
