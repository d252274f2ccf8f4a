import type { Port } from "./network-driver.ts";

/** When each round is sent, milliseconds after the first: the spacing of QEMU's `announce-*` defaults. */
export const announcementRoundsMs = [0, 50, 150, 300, 550] as const;

const etherTypeArp = 0x0806;
const operationRequest = 1;
/** Shortest Ethernet frame without its checksum. */
const leastFrameBytes = 60;

/** A gratuitous ARP request (RFC 5944, 4.6): sender and target are the server itself. */
export function gratuitousArp({ macAddress, address }: Pick<Port, "macAddress" | "address">): Buffer {
  const mac = Buffer.from(macAddress.replaceAll(":", ""), "hex");
  const ip = Buffer.from(address.split(".").map(Number));
  const frame = Buffer.alloc(leastFrameBytes);
  frame.fill(0xff, 0, 6);
  mac.copy(frame, 6);
  frame.writeUInt16BE(etherTypeArp, 12);
  frame.writeUInt16BE(1, 14); // Ethernet
  frame.writeUInt16BE(0x0800, 16); // IPv4
  frame.writeUInt8(6, 18);
  frame.writeUInt8(4, 19);
  frame.writeUInt16BE(operationRequest, 20);
  mac.copy(frame, 22);
  ip.copy(frame, 28);
  ip.copy(frame, 38);
  return frame;
}
