import { closeSync } from "node:fs";
import { libcCall, requireKnownArchitecture } from "./libc.ts";
import { openIdNamespace } from "./id-namespace.ts";

/** System calls since 424 have one number on every architecture (linux/asm-generic/unistd.h). */
const numbers = { openTree: 428, moveMount: 429, mountSetattr: 442 } as const;
/** linux/mount.h and linux/fcntl.h */
const openTreeClone = 1;
const closeOnExec = 0o2000000;
const atCurrentFolder = -100;
const atEmptyPath = 0x1000;
const moveMountFromEmptyPath = 4;
const attributeNoDevices = 0x4;
const attributeIdMap = 0x100000;

const openTree = libcCall("long syscall(long number, int folder, const char *path, uint flags)");
const mountSetattr = libcCall(
  "long syscall(long number, int folder, const char *path, uint flags, void *attributes, size_t size)",
);
const moveMount = libcCall(
  "long syscall(long number, int from, const char *fromPath, int to, const char *toPath, uint flags)",
);

export interface IdmappedMount {
  /** Folder whose files carry ids 0 to 65,535. */
  source: string;
  /** Existing folder that it appears at. */
  target: string;
  /** Host id that 0 appears as. */
  blockStart: number;
}

/**
 * Mounts a folder so that ids on disk appear shifted by a server's block (mount_setattr(2), MOUNT_ATTR_IDMAP): nothing on
 * disk is rewritten. Device nodes on it don't work. util-linux has it only from 2.39.
 */
export async function mountIdmapped({ source, target, blockStart }: IdmappedMount): Promise<void> {
  requireKnownArchitecture();
  const namespace = await openIdNamespace(blockStart);
  try {
    const tree = openTree(source, numbers.openTree, atCurrentFolder, source, openTreeClone | closeOnExec);
    try {
      const attributes = Buffer.alloc(32);
      attributes.writeBigUInt64LE(BigInt(attributeIdMap | attributeNoDevices), 0);
      attributes.writeBigUInt64LE(BigInt(namespace.fd), 24);
      mountSetattr(source, numbers.mountSetattr, tree, "", atEmptyPath, attributes, attributes.length);
      moveMount(target, numbers.moveMount, tree, "", atCurrentFolder, target, moveMountFromEmptyPath);
    } finally {
      closeSync(tree);
    }
  } finally {
    await namespace.close();
  }
}
