import type { RestoreRequest, RuncContainer } from "../session/ports.ts";

/** What taking a checkpoint asks of the host. A call that rejects ends it, and the server runs on. */
export interface TakePorts {
  container: RuncContainer;
  volume: {
    /** While the server runs: writes to the disk what isn't there yet, so that a snapshot has little left to write. */
    settle(): Promise<void>;
    /** While it is frozen: a read-only snapshot; resolves with its name. */
    snapshot(): Promise<string>;
    /** What the server's volume holds, about; while it runs again. */
    usageBytes(): Promise<number>;
    /** Removes the snapshot, if there is one. */
    discard(): Promise<void>;
  };
}

/** What restoring a checkpoint in its server's place asks of the host. */
export interface RestorePorts {
  container: RuncContainer;
  /** Ends what runs of the server, its port and container included. Nothing here starts it meanwhile. */
  stop(): Promise<void>;
  volume: {
    /**
     * Makes a writable volume of the snapshot in the place of the server's own, which is kept aside; then the bundle, whose rights are the
     * host's to say.
     */
    replace(snapshot: string): Promise<void>;
    /** Brings back the volume that was kept aside. */
    putBack(): Promise<void>;
    /** The volume that was kept aside isn't needed any more. */
    release(): Promise<void>;
  };
  /** As at a move's target. */
  restore(request: RestoreRequest): Promise<void>;
  discardContainer(): Promise<void>;
  /** Puts the server's port on its network; the tasks wait for it. */
  attach(): Promise<void>;
}
