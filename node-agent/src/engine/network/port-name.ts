import { createHash } from "node:crypto";

/** Interface names are 15 characters at most (IFNAMSIZ); uids are longer. */
const digits = 12;

/** Host's end of a server's network port: the same for a server wherever it runs. */
export function portName(uid: string): string {
  return `vs${createHash("sha256").update(uid).digest("hex").slice(0, digits)}`;
}
