import type { CheckpointManifest, RestoreOptions } from "@vfleet/criu-bridge";
import type { ServerAssignment } from "@vfleet/shared";
import { z } from "zod";

/** What is read of what an agent wrote. */
const specSchema = z.object({ idBlockStart: z.number().int(), network: z.object({ address: z.ipv4() }) });

/** What of a checkpoint must become the server's; none: it is all the server's own. */
export function adaptationOf(
  { spec }: Pick<CheckpointManifest, "spec">,
  { idBlockStart, network }: ServerAssignment,
): RestoreOptions["adaptation"] {
  const was = specSchema.parse(spec);
  const from = { idBlockStart: was.idBlockStart, address: was.network.address };
  if (from.idBlockStart === idBlockStart && from.address === network.address) return undefined;
  return { from, to: { idBlockStart, address: network.address } };
}
