import type { Readable } from "node:stream";
import type { Checkpoint } from "@vfleet/shared";

export interface VerifiedCopy {
  node: string;
  /** Why it is not whole; none: it is. */
  damage?: string;
}

export interface ImportRequest {
  namespace: string;
  /** Of the checkpoint that is made. */
  name: string;
  /** What it is said to be of. */
  server: string;
  /** Host that is to have it; none: any. */
  node: string | undefined;
  archive: Readable;
}

/** Checkpoints as one file (docs/formats/checkpoint.md). */
export interface ArchiveStreams {
  export(checkpoint: Checkpoint, signal: AbortSignal): Promise<Readable>;
  /** What each living host that has it finds when it looks at every digest. */
  verify(checkpoint: Checkpoint): Promise<VerifiedCopy[]>;
  /** Resolves once a host has it whole. Where it is refused nothing is left of it. */
  import(request: ImportRequest): Promise<Checkpoint>;
}
