import type { Readable } from "node:stream";
import type { Checkpoint } from "@vfleet/shared";

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
  /** Resolves once a host has it whole. Where it is refused nothing is left of it. */
  import(request: ImportRequest): Promise<Checkpoint>;
}
