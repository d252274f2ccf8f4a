/** Ways in which the world is made wrong on purpose, so that it is seen that the checks see it. */
export interface Mutants {
  /** The store takes every write, whatever it was based on. */
  blindWrites: boolean;
  /** A source whose target is silent lets its tasks go on before the record has spoken. */
  thawsOnGuess: boolean;
  /** A target lets what it has restored run without asking. */
  runsUncommitted: boolean;
  /** Agents start with empty disks: the epochs are gone, and who holds what. */
  forgetsRecords: boolean;
  /** The delta of a frozen server is not sent: what it wrote last is missing. */
  skipsDelta: boolean;
  /** What ends servers before a lease does nothing. */
  fenceSleeps: boolean;
}

export const noMutants: Mutants = {
  blindWrites: false,
  thawsOnGuess: false,
  runsUncommitted: false,
  forgetsRecords: false,
  skipsDelta: false,
  fenceSleeps: false,
};
