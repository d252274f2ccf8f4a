/** How long a source waits for others. */
export const sourceLimits = {
  /** Between two questions to the record while nothing is decided. */
  outcomeEveryMs: 250,
  /** How long the target may take to restore and commit before the source asks to abort. */
  handOverMs: 30_000,
  /** Between the commit and the target's word that the tasks run. */
  runningMs: 3_000,
  /** The same where the server is started from its volume, not restored. */
  startedMs: 30_000,
  /** How long a server runs on whose dump was put off. */
  settleMs: 100,
  /** For the port to be back before the tasks go on. */
  rejoinMs: 500,
} as const;
