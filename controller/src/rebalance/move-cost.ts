import type { Migration, Node } from "@vfleet/shared";
import { parseBytes } from "@vfleet/shared";
import { chooseMode } from "../reconcile/migration/choose-mode.ts";
import { moveWishes } from "../reconcile/migration/move-wishes.ts";
import { knownDirtyRate, knownPath } from "../reconcile/migration/predict-pause.ts";
import type { NodeLoad, ServerLoad } from "./node-load.ts";

export interface MoveCost {
  pauseMs: number;
  /** That the server allows. */
  pauseMaxMs: number;
  /** Of memory and files. */
  bytes: number;
  /** To compare moves by. */
  price: number;
}

/** What every move costs both nodes, however small: many small ones aren't free. */
const basePriceMs = 5000;
/** A client notices a pause, not a transfer. */
const pauseWeight = 10;

/** As earlier moves between the two nodes say. */
export function costOf(
  { source, nodes, migrations }: { source: NodeLoad; nodes: readonly Node[]; migrations: readonly Migration[] },
  { server, memoryBytes, bytes }: ServerLoad,
  target: string,
): MoveCost {
  const wishes = moveWishes(server);
  const { maxDowntimeMs, bandwidthBytesPerSecond } = wishes.options;
  const path = knownPath(migrations, { source: source.name, target, limit: bandwidthBytesPerSecond });
  const node = nodes.find(({ metadata }) => metadata.name === source.name);
  const { predictedPauseMs } = chooseMode({
    wishes,
    memoryBytes,
    memoryLimitBytes: parseBytes(server.spec.resources.limits.memory),
    path,
    tracksDirtyPages: node?.status?.fleet?.dirtyTracking === true,
    dirtyRateBytesPerSecond: knownDirtyRate(migrations, server.metadata),
  });
  // With rounds the pause is what is left for the freeze, and ends the rounds: what every move takes.
  const pauseMs = predictedPauseMs ?? path.fixedPauseMs;
  const transferMs = (bytes / path.bytesPerSecond) * 1000;
  return { pauseMs, pauseMaxMs: maxDowntimeMs, bytes, price: basePriceMs + transferMs + pauseWeight * pauseMs };
}
