import type { Readable } from "node:stream";

/** An image under way: a writable folder that becomes read-only when it is sealed. */
export interface ImageDraft {
  folder: string;
  /** Keeps it under the digest. Another of the same digest wins silently: the content is the same. */
  seal(digest: string): Promise<void>;
  discard(): Promise<void>;
}

/** What a snapshot is sent against: something the receiver already holds. */
export type SendBase = { snapshot: string } | { image: string };

export interface VolumeFeatures {
  /** Limits of a volume are enforced by the kernel. */
  quota: boolean;
  /** `sendSnapshot` against a base sends only what differs. */
  incrementalSend: boolean;
}

/**
 * Storage of a node: images (read-only roots by digest), one writable volume per server, and read-only snapshots for
 * transfers. Names are of letters, digits, `.`, `:`, `_` and `-`. Files carry ids 0 to 65,535, whosever they are.
 * Deleting what isn't there is done; creating what is there is an error of the file system's.
 */
export interface VolumeDriver {
  readonly features: VolumeFeatures;
  /** Makes the folders and removes what a crash left half made; returns the names of those. Before anything else. */
  open(): Promise<string[]>;

  draftImage(): Promise<ImageDraft>;
  hasImage(digest: string): Promise<boolean>;
  listImages(): Promise<string[]>;
  /** The whole image as a stream; its end or error says whether it is whole. */
  sendImage(digest: string): Readable;
  receiveImage(digest: string, stream: Readable): Promise<void>;
  deleteImage(digest: string): Promise<void>;
  /** The same on all hosts that have this very copy, by sending and receiving it: only then a difference can be sent against it. */
  imageLineage(digest: string): Promise<string | undefined>;

  /** A writable copy of the image; costs no space and doesn't walk it. Throws `image-missing`. */
  createVolume(name: string, from: { image: string; limitBytes: number }): Promise<void>;
  /** The same from a snapshot, received ones too. */
  createVolumeFromSnapshot(name: string, from: { snapshot: string; limitBytes: number }): Promise<void>;
  hasVolume(name: string): Promise<boolean>;
  listVolumes(): Promise<string[]>;
  /** Where its files are, by their own ids. */
  volumeFolder(name: string): string;
  /** Size it can't grow past, what it shares with its image included. */
  limitVolume(name: string, limitBytes: number): Promise<void>;
  /** Bytes that count towards the limit. */
  volumeUsageBytes(name: string): Promise<number>;
  deleteVolume(name: string): Promise<void>;

  /** A read-only copy of the volume as it is at one moment. */
  takeSnapshot(volume: string, snapshot: string): Promise<void>;
  sendSnapshot(snapshot: string, base?: SendBase): Readable;
  /** Keeps what `sendSnapshot` streamed; nothing of it where the stream fails. */
  receiveSnapshot(snapshot: string, stream: Readable): Promise<void>;
  /** The same from who knows whom, without a base. Throws `volume-stream-refused` for what no server could have written. */
  importSnapshot(snapshot: string, stream: Readable): Promise<void>;
  listSnapshots(): Promise<string[]>;
  deleteSnapshot(snapshot: string): Promise<void>;
}
