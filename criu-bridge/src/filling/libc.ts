import { open } from "node:fs/promises";
import koffi from "koffi";

/** The C library, for what Node.js has no word for: descriptors over sockets, and userfaultfd. All return -1 where they fail. */
const library = koffi.load("libc.so.6");

export const libc = {
  accept: library.func("int accept4(int socket, void *address, void *length, int flags)"),
  bind: library.func("int bind(int socket, void *address, uint length)"),
  fallocate: library.func("int fallocate(int fd, int mode, long offset, long bytes)"),
  ioctl: library.func("int ioctl(int fd, ulong request, void *argument)"),
  listen: library.func("int listen(int socket, int backlog)"),
  poll: library.func("int poll(void *descriptors, ulong count, int timeout)"),
  read: library.func("long read(int fd, void *into, size_t bytes)"),
  receiveMessage: library.func("long recvmsg(int socket, void *header, int flags)"),
  syncFileSystem: library.func("int syncfs(int fd)"),
  socket: library.func("int socket(int domain, int type, int protocol)"),
} as const;

/** asm-generic/errno.h */
export const errorNumbers = { noEntry: 2, noProcess: 3, again: 11, exists: 17, noSpace: 28 } as const;

export function lastError(): number {
  return koffi.errno();
}

/** Where a buffer's bytes are; it must not be collected while somebody uses that. */
export function addressOf(buffer: Buffer): bigint {
  return koffi.address(buffer);
}

interface Descriptor {
  fd: number;
  /** Something can be read, or the other side is gone. */
  isReady: boolean;
}

const pollEntryBytes = 8;
const pollIn = 1;

/** Waits beside the event loop until one of the descriptors can be read or the time is up (poll(2)). */
export async function pollReadable(fds: readonly number[], timeoutMs: number): Promise<Descriptor[]> {
  const entries = Buffer.alloc(Math.max(1, fds.length) * pollEntryBytes);
  for (const [index, fd] of fds.entries()) {
    entries.writeInt32LE(fd, index * pollEntryBytes);
    entries.writeInt16LE(pollIn, index * pollEntryBytes + 4);
  }
  await new Promise<void>((resolve, reject) => {
    libc.poll.async(entries, fds.length, timeoutMs, (error: Error | null) =>
      error === null ? resolve() : reject(error),
    );
  });
  return fds.map((fd, index) => ({ fd, isReady: entries.readInt16LE(index * pollEntryBytes + 6) !== 0 }));
}

/** Writes everything of the file system that a folder is on to its disk (syncfs(2)), beside the event loop. */
export async function syncFileSystem(folder: string): Promise<void> {
  const opened = await open(folder, "r");
  try {
    await new Promise<void>((resolve, reject) => {
      libc.syncFileSystem.async(opened.fd, (error: Error | null, result: number) =>
        error === null && result === 0 ? resolve() : reject(error ?? new Error(`Cannot sync "${folder}"`)),
      );
    });
  } finally {
    await opened.close();
  }
}

/** FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE */
const punchHole = 3;

/** Gives back the room of a part of a file that nobody reads any more; what isn't on the disk yet need not go there. */
export function freePart(fd: number, from: number, bytes: number): void {
  // A file system that can't keeps it until the file goes.
  libc.fallocate(fd, punchHole, from, bytes);
}
