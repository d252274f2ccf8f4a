/** What `--json FILE` holds. Kept stable for scripts. */
export interface QuickstartResult {
  connectionKept: boolean;
  /** INCRs that were answered and are not in the counter. */
  writesLost: number;
  /** Longest time between two answers on the client's one connection. */
  longestPauseMs: number;
  /** The whole move, from asked to cleaned up. */
  totalMs: number;
  /** Sent from host to host. */
  wireBytes: number;
  memoryBytes: number;
  from: string;
  to: string;
}

const mebibytes = (bytes: number) => `${(bytes / 1_048_576).toFixed(0)} MiB`;

/** The result for a person. */
export function summaryLines(result: QuickstartResult, answered: number): string[] {
  return [
    `connection      ${result.connectionKept ? "kept: the same TCP connection before, during and after" : "LOST"}`,
    `writes lost     ${result.writesLost} of ${answered} answered`,
    `longest pause   ${Math.round(result.longestPauseMs)} ms, as the client saw it`,
    `moved           ${mebibytes(result.memoryBytes)} of memory as ${mebibytes(result.wireBytes)} on the wire, in ${(result.totalMs / 1000).toFixed(1)} s`,
    `runs now on     ${result.to} (was on ${result.from})`,
  ];
}
