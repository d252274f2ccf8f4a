import { antiAffinity } from "./anti-affinity.ts";
import { cordon } from "./cordon.ts";
import { excluded } from "./excluded.ts";
import type { Filter } from "./filter.ts";
import { nodeSelector } from "./node-selector.ts";
import { readiness } from "./readiness.ts";
import { cpu, disk, memory, serverCount } from "./resources.ts";
import { spread } from "./spread.ts";
import { taints } from "./taints.ts";

/** In the order in which they are asked: a node is counted under the first that objects. */
export const filters: readonly Filter[] = [
  excluded,
  readiness,
  cordon,
  taints,
  nodeSelector,
  cpu,
  memory,
  disk,
  serverCount,
  antiAffinity,
  spread,
];
