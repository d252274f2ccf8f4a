import koffi from "koffi";

/** The C library, for what Node.js has no word for: descriptors over sockets, and userfaultfd. All return -1 where they fail. */
const library = koffi.load("libc.so.6");

export const libc = {
  accept: library.func("int accept4(int socket, void *address, void *length, int flags)"),
  bind: library.func("int bind(int socket, void *address, uint length)"),
  ioctl: library.func("int ioctl(int fd, ulong request, void *argument)"),
  listen: library.func("int listen(int socket, int backlog)"),
  poll: library.func("int poll(void *descriptors, ulong count, int timeout)"),
  read: library.func("long read(int fd, void *into, size_t bytes)"),
  receiveMessage: library.func("long recvmsg(int socket, void *header, int flags)"),
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
