import { formatBytes, formatMilliCpu } from "@vfleet/shared";
import type { Demand } from "../placement.ts";
import type { Filter, ObjectionGroup } from "./filter.ts";

interface Resource {
  name: "milliCpu" | "memoryBytes" | "diskBytes";
  /** As people call it, and as the server's spec does. */
  word: string;
  request: string;
  format: (amount: number) => string;
}

export const cpu = filterOf({ name: "milliCpu", word: "CPU", request: "requests.cpu", format: formatMilliCpu });
export const memory = filterOf({
  name: "memoryBytes",
  word: "memory",
  request: "requests.memory",
  format: formatBytes,
});
export const disk = filterOf({ name: "diskBytes", word: "disk", request: "requests.disk", format: formatBytes });

export const serverCount: Filter = {
  name: "server-count",
  isFreedByMoves: true,
  prepare:
    () =>
    ({ used, allocatable }) =>
      used.servers < allocatable.servers ? undefined : { free: allocatable.servers },
  describe: (group) => `full (${most(group)} servers)`,
};

function filterOf({ name, word, request, format }: Resource): Filter {
  return {
    name: word.toLowerCase(),
    isFreedByMoves: true,
    prepare: ({ demand }) => {
      const needed = demand[name];
      return ({ allocatable, used }) => {
        const free = allocatable[name] - used[name];
        return free < needed ? { free } : undefined;
      };
    },
    describe: (group, demand: Demand) => {
      const atMost = group.length > 1 ? "at most " : "";
      const free = name === "milliCpu" ? most(group) : wholeMebibytes(most(group));
      return `too little ${word} (requested ${format(demand[name])}, free ${atMost}${format(free)})`;
    },
    help: () => `lower ${request}`,
  };
}

function most(group: ObjectionGroup): number {
  return group.reduce((most, { free = 0 }) => Math.max(most, free), 0);
}

/** Rounded down, so that nobody is told of more room than there is, in a unit that people read. */
function wholeMebibytes(bytes: number): number {
  return bytes < 2 ** 20 ? 0 : Math.floor(bytes / 2 ** 20) * 2 ** 20;
}
