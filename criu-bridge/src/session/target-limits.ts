/** How long a target waits for others. */
export const targetLimits = {
  /** Between two questions to the record. */
  commitEveryMs: 250,
  /** Without a definite answer for so long the restored tasks are given up. */
  commitMs: 20_000,
} as const;
