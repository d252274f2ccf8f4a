import type { Readable } from "node:stream";

/** What a migration is, the same on both hosts and in every message and ticket. */
export interface MigrationIdentity {
  /** Unique per attempt; a retried command with the same operation changes nothing. */
  operation: string;
  /** The virtual server, `namespace/name`. */
  server: string;
  /** Names of the nodes. */
  source: string;
  target: string;
  /** The ownership epoch under which the source runs it. */
  epoch: number;
}

/** What the controller's ownership record says about an operation. `undecided`: neither committed nor aborted yet, or not known. */
export type Outcome = "committed" | "aborted" | "undecided";

/** A container as runc knows it. */
export interface RuncContainer {
  id: string;
  /** `runc --root`. */
  runtimeRoot: string;
  /** The OCI bundle, with `config.json`. */
  bundle: string;
  /** The file that the annotation `org.criu.config` names; the bridge writes it before each operation. Outside the guest. */
  criuConfigPath: string;
}

/** What the bridge asks of the host that a server leaves. Every call may reject; a rejection before the commit aborts the migration. */
export interface SourcePorts {
  container: RuncContainer;
  server: SourceServer;
  volume: SourceVolume;
  network: SourceNetwork;
  /** The ownership record's word. Must not guess: `undecided` where it cannot be learned. */
  outcome(operation: string): Promise<Outcome>;
  /** Asks the controller to abort: a compare-and-set against the commit, so the answer may be `committed`. */
  abort(operation: string, reason: string): Promise<Outcome>;
}

/** For a cold move. */
interface SourceServer {
  /** Ends it as an operator would: asked first, killed later. Resolves once nothing of it runs, its port included, and nobody here starts it. */
  stop(): Promise<void>;
  /** Starts it here again if a stop was begun, finished or not; changes nothing otherwise. */
  startAgain(): Promise<void>;
}

export interface SourceVolume {
  /**
   * Takes a read-only snapshot of the running server's volume and streams it: in round 0 against what the target says it has, or in
   * full, later against the last one sent. The stream ends when the snapshot is sent whole and errors when it isn't.
   */
  sendRound(round: number, targetHas: string | undefined): Promise<Readable>;
  /** The same for the frozen server: the last delta. Called once, while the memory is being dumped. */
  sendFrozen(): Promise<Readable>;
  /** Removes every snapshot made for this operation. Called once, whatever the outcome was. The server's own volume stays. */
  release(): Promise<void>;
}

export interface SourceNetwork {
  /** Takes the server's port off the bridge and down: from now on nobody is answered, not even ARP. The namespace itself stays. */
  isolate(): Promise<void>;
  /** Puts the port back, after a refusal. */
  rejoin(): Promise<void>;
}

/** What the bridge asks of the host that a server comes to. */
export interface TargetPorts {
  container: RuncContainer;
  server: TargetServer;
  volume: TargetVolume;
  network: TargetNetwork;
  /** Resolves when the host would know after a power cut that the server is here. After a commit, before the move ends. */
  settled(): Promise<void>;
  /**
   * Starts `runc restore` (through conmon) with `restore.arguments` and resolves when the server runs, or rejects with the reason.
   * Its network hook must leave the host's end of the port off the bridge *and down*: a host answers ARP for its own addresses on any
   * link that is up, and the server would learn a wrong gateway. The restore has to go on when the agent ends.
   */
  restore(restore: RestoreRequest): Promise<void>;
  /** Removes what a refused or failed restore left: container, cgroup, namespaces, mounts. Called once per failed restore. */
  discardContainer(): Promise<void>;
  /** Compare-and-set of the ownership record to this host. `undecided` where no answer came in time. */
  commit(operation: string): Promise<Outcome>;
  /** As at the source. */
  abort(operation: string, reason: string): Promise<Outcome>;
}

/** For a cold move. */
interface TargetServer {
  /** Starts it from its activated volume, its network included, once the commit is won. Repeating it changes nothing. */
  start(): Promise<void>;
}

export interface TargetVolume {
  /** Names what is here already and need not be sent, in words of the hosts' own. */
  base(): Promise<string | undefined>;
  /** Receives what `sendRound` or `sendFrozen` streams, in the order it was sent. */
  receive(stream: Readable): Promise<void>;
  /** Makes the last received snapshot the server's writable volume at the place the bundle's root names. */
  activate(): Promise<void>;
  /** Removes the snapshots kept for receiving; the activated volume stays. After a commit. */
  release(): Promise<void>;
  /** Removes everything received and activated. After a refusal. */
  discard(): Promise<void>;
}

export interface TargetNetwork {
  /** Puts the port on the bridge and up, and starts announcing the addresses. Called once the commit is won; the tasks wait for it. */
  attach(): Promise<void>;
}

export interface RestoreRequest {
  /** Folder of the images, on a tmpfs. */
  imagesFolder: string;
  /** CRIU's log, statistics and lazy-pages socket. Kept after the operation. */
  workFolder: string;
  /** What goes between `runc restore` and the container's id, without `--bundle`, `--detach` and `--pid-file`; for conmon, one `--restore-arg` each. */
  arguments: string[];
}
