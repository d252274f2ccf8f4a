import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moveCgroupImage } from "../criu/cgroup-image.ts";
import { changeFields, changeMessages, changeNumbers, readFields } from "../criu/image-fields.ts";
import { removeFolder } from "../session/operation-folders.ts";

/** What of a server is another's when it is restored under another name. */
interface ServerPlace {
  /** First host id of its block. */
  idBlockStart: number;
  /** IPv4. */
  address: string;
}

export interface Adaptation {
  from: ServerPlace;
  to: ServerPlace;
}

/** Of CRIU's images/userns.proto. */
const mapFields = [1, 2];
const hostIdField = 2;
/** Of images/fdinfo.proto and images/sk-inet.proto. */
const [fileTypeField, socketField] = [1, 4];
const socketType = 4;
const [familyField, sourceAddressField] = [3, 11];
const inetFamily = 2;

/**
 * Makes a folder of a checkpoint's images for a server with other host ids and another address. CRIU writes ids as they are inside
 * the server everywhere but in the map of its user namespace, and cgroups carry host ids. Sockets that are bound to the server's own
 * address are bound to the new one. Memory is linked, not copied.
 */
export function adaptImages(images: string, into: string, adaptation: Adaptation): void {
  removeFolder(into);
  mkdirSync(into, { recursive: true, mode: 0o711 });
  for (const name of readdirSync(images)) {
    const [path, target] = [join(images, name), join(into, name)];
    if (name.startsWith("pages-")) linkOrCopy(path, target);
    else if (/^userns-\d+\.img$/.test(name)) writeFileSync(target, moveIds(readFileSync(path), adaptation));
    else if (name === "files.img") writeFileSync(target, moveAddress(readFileSync(path), adaptation));
    else copyFileSync(path, target);
  }
  moveCgroupImage(into, adaptation.to.idBlockStart - adaptation.from.idBlockStart);
}

export function moveIds(image: Buffer, { from, to }: Adaptation): Buffer {
  const move = (id: number) => id - from.idBlockStart + to.idBlockStart;
  const moveExtent = (extent: Buffer) => changeNumbers(extent, hostIdField, move);
  return changeMessages(image, (message) =>
    mapFields.reduce((changed, field) => changeFields(changed, field, moveExtent), message),
  );
}

export function moveAddress(image: Buffer, { from, to }: Adaptation): Buffer {
  const [old, own] = [addressWord(from.address), addressWord(to.address)];
  const moveSocket = (socket: Buffer) =>
    readFields(socket).get(familyField)?.value === inetFamily
      ? changeNumbers(socket, sourceAddressField, (word) => (word === old ? own : word))
      : socket;
  return changeMessages(image, (message) =>
    readFields(message).get(fileTypeField)?.value === socketType
      ? changeFields(message, socketField, moveSocket)
      : message,
  );
}

/** As CRIU has it: in network order, read as a number of this machine. */
function addressWord(address: string): number {
  return Buffer.from(address.split(".").map(Number)).readUInt32LE(0);
}

function linkOrCopy(path: string, target: string): void {
  try {
    linkSync(path, target);
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EXDEV")) throw thrown;
    copyFileSync(path, target);
  }
}
