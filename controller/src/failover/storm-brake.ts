/**
 * How fast lost nodes are acted upon. When many vanish at once it is likelier that this controller, or the network, is at fault than that
 * they all died. The figures are those of Kubernetes' node lifecycle controller (pkg/controller/nodelifecycle).
 */
export interface BrakeNode {
  zone: string;
  isHealthy: boolean;
}

/** `free`: as usual; `slow`: many are gone; `stopped`: none is acted upon. */
export type BrakeMode = "free" | "slow" | "stopped";

export interface Brake {
  fleet: BrakeMode;
  zones: ReadonlyMap<string, BrakeMode>;
}

export const nodesPerSecond: Readonly<Record<BrakeMode, number>> = { free: 0.1, slow: 0.01, stopped: 0 };
/** Share of the fleet, or of a zone, that may be gone before it counts as many. */
const manyShare = 0.55;
/** Of so few a share says nothing. */
const fewGone = 2;
/** In fleets and zones up to this size the rest could not carry what many others had. */
const smallSize = 50;

export function brakeOf(nodes: readonly BrakeNode[]): Brake {
  const zones = Map.groupBy(nodes, ({ zone }) => zone);
  const fleet = nodes.some(({ isHealthy }) => isHealthy) ? modeOf(nodes) : "stopped";
  return { fleet, zones: new Map([...zones].map(([zone, within]) => [zone, slower(fleet, zoneMode(within))])) };
}

/** A zone that is gone as a whole lost its power or its line: that is no doubt about this controller, which hears the others. */
function zoneMode(nodes: readonly BrakeNode[]): BrakeMode {
  return nodes.some(({ isHealthy }) => isHealthy) ? modeOf(nodes) : "free";
}

function modeOf(nodes: readonly BrakeNode[]): BrakeMode {
  const gone = nodes.filter(({ isHealthy }) => !isHealthy).length;
  if (gone <= fewGone || gone / nodes.length < manyShare) return "free";
  return nodes.length > smallSize ? "slow" : "stopped";
}

function slower(a: BrakeMode, b: BrakeMode): BrakeMode {
  return nodesPerSecond[a] < nodesPerSecond[b] ? a : b;
}
