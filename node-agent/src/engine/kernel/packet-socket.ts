import { closeSync } from "node:fs";
import { libcCall } from "./libc.ts";
import { linkIndex } from "./link-index.ts";

/** packet(7) */
const familyPacket = 17;
const typeRawCloseOnExec = 3 | 0o2000000;

const socket = libcCall("int socket(int family, int type, int protocol)");
const sendto = libcCall("long sendto(int fd, void *frame, size_t size, int flags, void *address, uint addressSize)");

/** Sends one Ethernet frame out of a link, as it is. */
export function sendFrame(link: string, frame: Buffer): void {
  const fd = socket(link, familyPacket, typeRawCloseOnExec, 0);
  try {
    // struct sockaddr_ll
    const address = Buffer.alloc(20);
    address.writeUInt16LE(familyPacket, 0);
    frame.copy(address, 2, 12, 14);
    address.writeInt32LE(linkIndex(link) ?? 0, 4);
    address.writeUInt8(6, 11);
    frame.copy(address, 12, 0, 6);
    sendto(link, fd, frame, frame.length, 0, address, address.length);
  } finally {
    closeSync(fd);
  }
}
