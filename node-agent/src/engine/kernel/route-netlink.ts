import { closeSync } from "node:fs";
import { agentError } from "../../agent-error.ts";
import { libcCall } from "./libc.ts";
import { linkIndex } from "./link-index.ts";

/** netlink(7), rtnetlink(7); linux/if_link.h, linux/neighbour.h */
const familyNetlink = 16;
const typeRawCloseOnExec = 3 | 0o2000000;
const protocolRoute = 0;
const headerBytes = 16;
const messages = { newLink: 16, setLink: 19, newNeighbour: 28, deleteNeighbour: 29 } as const;
const flags = { request: 0x1, acknowledge: 0x4, replace: 0x100, create: 0x400 } as const;
const families = { unspecified: 0, bridge: 7 } as const;
const linkUp = 1;
const linkAttributes = { master: 10, protocolInformation: 12 | 0x8000 } as const;
const portStateAttribute = 1;
const neighbourAddressAttribute = 2;
const neighbourReachable = 2;
const neighbourOf = { self: 2, master: 4 } as const;
/** asm-generic/errno.h: what a step meets that has been done already, or is undone by something else. */
const errorNumbers = { notPermitted: 1, noEntry: 2, networkDown: 100 } as const;
const answerBytes = 8192;

const socket = libcCall("int socket(int family, int type, int protocol)");
const send = libcCall("long send(int fd, void *message, size_t size, int flags)");
const receive = libcCall("long recv(int fd, void *into, size_t size, int flags)");

interface Change {
  what: string;
  type: number;
  /** Of `flags`, beside those that each has. */
  mode?: number;
  parts: readonly Buffer[];
  /** Not an error. */
  expected?: number;
}

/** Puts a link onto a bridge and brings it up. Like all here without a program: a restored server waits for it. Throws `system-call-failed`. */
export function joinBridge(link: string, bridge: string): void {
  const head = linkHead(families.unspecified, link, linkUp);
  const master = attribute(linkAttributes.master, number32(indexOf(bridge)));
  change({ what: "join a bridge", type: messages.newLink, parts: [head, master] });
}

/** `state`: of bridge(8). A link without carrier keeps its own until it has one. */
export function setBridgePortState(link: string, state: number): void {
  const head = linkHead(families.bridge, link);
  const information = attribute(
    linkAttributes.protocolInformation,
    attribute(portStateAttribute, Buffer.from([state])),
  );
  const expected = errorNumbers.networkDown;
  change({ what: "set a bridge port's state", type: messages.setLink, parts: [head, information], expected });
}

/** The bridge finds a MAC behind one of its ports from now on, until it learns better; of a port without carrier it learns by itself. */
export function replaceBridgeEntry(link: string, mac: string): void {
  const head = neighbourHead(link, { state: neighbourReachable, flags: neighbourOf.master });
  const parts = [head, attribute(neighbourAddressAttribute, bytesOf(mac))];
  const [mode, expected] = [flags.create | flags.replace, errorNumbers.notPermitted];
  change({ what: "make a bridge entry", type: messages.newNeighbour, mode, parts, expected });
}

/** An overlay link forgets which host a MAC is behind. */
export function deleteOverlayEntry(link: string, mac: string): void {
  const head = neighbourHead(link, { state: 0, flags: neighbourOf.self });
  const parts = [head, attribute(neighbourAddressAttribute, bytesOf(mac))];
  const expected = errorNumbers.noEntry;
  change({ what: "delete an overlay entry", type: messages.deleteNeighbour, parts, expected });
}

/** The kernel has answered when `send` returns. */
function change({ what, type, mode = 0, parts, expected }: Change): void {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(headerBytes);
  head.writeUInt32LE(headerBytes + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags.request | flags.acknowledge | mode, 6);
  const fd = socket(what, familyNetlink, typeRawCloseOnExec, protocolRoute);
  try {
    const message = Buffer.concat([head, body]);
    send(what, fd, message, message.length, 0);
    const answer = Buffer.alloc(answerBytes);
    receive(what, fd, answer, answer.length, 0);
    // struct nlmsgerr; 0 where it was done.
    const errno = -answer.readInt32LE(headerBytes);
    if (errno !== 0 && errno !== expected)
      throw agentError("system-call-failed", { call: "rtnetlink", on: what, errno });
  } finally {
    closeSync(fd);
  }
}

/** struct ifinfomsg */
function linkHead(family: number, link: string, set = 0): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt8(family, 0);
  head.writeInt32LE(indexOf(link), 4);
  head.writeUInt32LE(set, 8);
  head.writeUInt32LE(set, 12);
  return head;
}

/** struct ndmsg */
function neighbourHead(link: string, neighbour: { state: number; flags: number }): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(families.bridge, 0);
  head.writeInt32LE(indexOf(link), 4);
  head.writeUInt16LE(neighbour.state, 8);
  head.writeUInt8(neighbour.flags, 10);
  return head;
}

/** struct rtattr, padded to four bytes. */
function attribute(type: number, value: Buffer): Buffer {
  const length = 4 + value.length;
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}

function bytesOf(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(":", ""), "hex");
}

function indexOf(link: string): number {
  const index = linkIndex(link);
  if (index === undefined) throw agentError("system-call-failed", { call: "if_nametoindex", on: link, errno: 19 });
  return index;
}
