import type { Candidate, Demand } from "../placement.ts";

/** A wish about where a server goes best, of nodes that all fit. */
export interface Score {
  name: string;
  /** Points for the best node; 0 for the worst. */
  weight: number;
  /** Its rating for one placement, 0 to 1; none: all nodes are alike to it. */
  prepare(demand: Demand, fitting: readonly Candidate[]): ((candidate: Candidate) => number) | undefined;
}
