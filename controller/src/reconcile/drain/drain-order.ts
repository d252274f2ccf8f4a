import type { VirtualServer } from "@vfleet/shared";
import { parseBytes } from "@vfleet/shared";
import { demandOf } from "../../scheduler/placement.ts";
import { nameOf } from "./drain-view.ts";

/**
 * The highest priority first: places are scarce, and a deadline may cut off the rest. Then the largest. Moves run side by side, and the whole is over soonest when none of the long ones is left for the
 * end (longest processing time first); and what is large is hardest to place, so it chooses while there is most room.
 * Size is the more of what it asks for and what it uses: the one must fit, the other must be sent.
 */
export function inDrainOrder(
  servers: readonly VirtualServer[],
  memoryBytes: (server: VirtualServer) => number | undefined,
): VirtualServer[] {
  return servers
    .map((server) => {
      const usedBytes = memoryBytes(server) ?? parseBytes(server.spec.resources.limits.memory);
      const { priority } = demandOf(server);
      return { server, name: nameOf(server), priority, sizeBytes: Math.max(demandOf(server).memoryBytes, usedBytes) };
    })
    .toSorted((a, b) => b.priority - a.priority || b.sizeBytes - a.sizeBytes || a.name.localeCompare(b.name))
    .map(({ server }) => server);
}
