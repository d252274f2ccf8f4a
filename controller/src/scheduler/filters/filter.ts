import type { Candidate, Demand } from "../placement.ts";

/** One placement's wish: the server, and nodes that are out of the question with the reason. */
interface Question {
  demand: Demand;
  excluded: ReadonlyMap<string, string>;
}

export interface Objection {
  /** Objections of one filter with the same detail are counted together. */
  detail?: string;
  /** What would make the node fit, where the filter has more than one answer. */
  help?: string;
  /** What was free of what was too little. */
  free?: number;
}

/** Objections of one filter with the same detail, by nodes. */
export type ObjectionGroup = readonly [Objection, ...Objection[]];

/** A rule that keeps a server away from nodes. */
export interface Filter {
  name: string;
  /** Servers that are moved away can end its objection. */
  isFreedByMoves?: true;
  /** Its test for one placement; none: it has nothing to say about such a server. */
  prepare(question: Question, candidates: readonly Candidate[]): Test | undefined;
  /** What is said of these nodes, after their number. */
  describe(group: ObjectionGroup, demand: Demand): string;
  /** What would make them fit, where anything would. */
  help?(group: ObjectionGroup, demand: Demand): string;
}

/** Why the server can't go there; none: it can. */
type Test = (candidate: Candidate) => Objection | undefined;
