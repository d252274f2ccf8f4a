import { tolerates } from "../placement.ts";
import type { Score } from "./score.ts";

/** Room left by requests. */
const room: Score = {
  name: "room",
  weight: 100,
  prepare:
    (demand) =>
    ({ allocatable, used }) => {
      const cpuLeft = 1 - (used.milliCpu + demand.milliCpu) / Math.max(1, allocatable.milliCpu);
      const memoryLeft = 1 - (used.memoryBytes + demand.memoryBytes) / Math.max(1, allocatable.memoryBytes);
      return (cpuLeft + memoryLeft) / 2;
    },
};

/** As measured last: requests may say little of what is used. A node not heard of is taken for half used. */
const use: Score = {
  name: "use",
  weight: 20,
  prepare: (_demand, fitting) =>
    fitting.some(({ measuredShare }) => measuredShare !== undefined)
      ? ({ measuredShare = 0.5 }) => 1 - Math.min(1, measuredShare)
      : undefined,
};

/** Few servers. One less outweighs having the image, so that a new fleet's first image doesn't gather everything. */
const fewServers: Score = {
  name: "few-servers",
  weight: 30,
  prepare: (_demand, fitting) => {
    const fewest = fitting.reduce((fewest, { used }) => Math.min(fewest, used.servers), Number.POSITIVE_INFINITY);
    return ({ used }) => 1 / (1 + used.servers - fewest);
  },
};

const image: Score = {
  name: "image",
  weight: 10,
  prepare:
    ({ image }) =>
    ({ images }) =>
      images.has(image) ? 1 : 0,
};

/** Where its checkpoint is, which needn't travel then: whatever else speaks for another node. */
const checkpoint: Score = {
  name: "checkpoint",
  weight: 1000,
  prepare: ({ checkpointNodes }) =>
    checkpointNodes === undefined ? undefined : ({ name }) => (checkpointNodes.has(name) ? 1 : 0),
};

/** Domains with fewer of the servers that it is spread with, whether it must be or not. */
const spread: Score = {
  name: "spread",
  weight: 60,
  prepare: (demand, [first]) => {
    if (demand.spread.length === 0 || first === undefined) return undefined;
    const { topology } = first;
    const terms = demand.spread.map((term) => ({
      key: term.topologyKey,
      selected: topology.selectedBy(term, demand),
      lowest: topology.lowest(term, demand),
    }));
    return ({ labels }) => {
      let sum = 0;
      for (const { key, selected, lowest } of terms) {
        const domain = labels[key];
        if (domain !== undefined) sum += 1 / (1 + Math.max(0, selected(domain) - lowest));
      }
      return sum / terms.length;
    };
  },
};

/** Away from taints that only ask for it. */
const taints: Score = {
  name: "taints",
  weight: 40,
  prepare:
    ({ tolerations }) =>
    ({ taints }) =>
      taints.some((taint) => taint.effect === "PreferNoSchedule" && !tolerates(tolerations, taint)) ? 0 : 1,
};

export const scores: readonly Score[] = [room, use, fewServers, image, checkpoint, spread, taints];
