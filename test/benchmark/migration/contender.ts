/** One way to move a redis between two hosts. */
export interface Contender {
  readonly system: "vfleet" | "runc" | "podman";
  readonly mode: string;
  /** Starts a fresh, empty redis for so much data on the first host; gives its address. */
  start(dataMiB: number): Promise<string>;
  /** Moves it to the host it is not on. */
  move(): Promise<Move>;
  /** Removes the redis and everything that moves left. */
  stop(): Promise<void>;
}

export interface Move {
  /** From asked to running and cleaned up. */
  totalMs: number;
  /** Sent from host to host. */
  wireBytes: number;
  /** What only vfleet tells of a move. */
  insight?: Insight;
}

/** What a move was made of. */
export interface Insight {
  /** Dumped, zero pages included. */
  memoryBytes: number;
  /** Of the volume's stream, before compression. */
  volumeBytes: number;
  /** At the target: from the last byte's arrival to all tasks restored, before they run. */
  restoreMs: number;
  /** At the target: from running to the last page in its place. */
  fillMs: number;
  /** Resident memory of each side's agent and what it started for the move. */
  senderPeakMiB: number;
  receiverPeakMiB: number;
}

/** A row of the result. Kept stable for scripts. */
export interface Row {
  system: string;
  mode: string;
  residentMiB: number;
  runs: number;
  /** Longest time between two answers that the client saw, a move. */
  pauseMsMedian: number;
  pauseMsMax: number;
  totalMsMedian: number;
  wireBytesMedian: number;
  /** In every run. */
  connectionKept: boolean;
  /** `random` data, which doesn't compress, or `text`, as caches hold. */
  data: string;
  /** 99 of 100 requests after the pause took no longer, until the move was over. */
  p99AfterPauseMsMedian: number;
  /** From here on: null where nothing tells it. */
  memoryBytesMedian: number | null;
  volumeBytesMedian: number | null;
  restoreMsMedian: number | null;
  fillMsMedian: number | null;
  /** Of all runs. */
  senderPeakMiB: number | null;
  receiverPeakMiB: number | null;
}
