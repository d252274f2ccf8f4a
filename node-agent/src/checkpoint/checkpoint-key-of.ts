import { join } from "node:path";
import { readCheckpointKey, type CheckpointKey } from "@vfleet/criu-bridge";
import type { AgentConfig } from "@vfleet/shared";

/** With which this host encrypts its checkpoints; none: it doesn't. Throws `checkpoint-key-unusable`. */
export function checkpointKeyOf({
  checkpoints,
  runFolder,
}: Pick<AgentConfig, "checkpoints" | "runFolder">): CheckpointKey | undefined {
  const file = checkpoints.encryptionKeyFile;
  if (file === undefined) return undefined;
  return { file, sealing: readCheckpointKey(file), plainFolder: join(runFolder, "checkpoints-plain") };
}
