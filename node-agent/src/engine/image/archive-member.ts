import type { ArchiveLimits } from "./archive-limits.ts";

/** What a tar header says of a member (tar(5), pax). */
export interface MemberHeader {
  name: string;
  type: string;
  size: number;
  uid: number;
  gid: number;
  linkname: string | null;
}

export type MemberVerdict = { take: string; link: string | undefined } | { skip: string } | { refuse: string };

const taken = new Set(["file", "contiguous-file", "directory", "symlink", "link"]);

/**
 * Whether a member may become part of an image, and under which path from its root. Device nodes and pipes are skipped:
 * servers get their devices from the runtime. Symbolic links may point anywhere: inside the server they can't leave its root,
 * and nothing is ever unpacked through one.
 */
export function judgeMember(header: MemberHeader, limits: ArchiveLimits): MemberVerdict {
  const path = pathInside(header.name, limits);
  if (typeof path !== "string") return path;
  if (!taken.has(header.type)) return { skip: `members of type ${header.type} are left out` };
  if (!isId(header.uid, limits) || !isId(header.gid, limits)) {
    return { refuse: `owner ${header.uid}:${header.gid} is outside of 0 to ${limits.ids - 1}` };
  }
  if (header.type !== "link") return { take: path, link: header.linkname ?? undefined };
  const target = pathInside(header.linkname ?? "", limits);
  if (typeof target !== "string") return { refuse: `it links to "${header.linkname ?? ""}", which leaves the root` };
  return { take: path, link: target };
}

function isId(id: number, limits: ArchiveLimits): boolean {
  return Number.isInteger(id) && id >= 0 && id < limits.ids;
}

function pathInside(name: string, limits: ArchiveLimits): string | { refuse: string } {
  if (name.startsWith("/")) return { refuse: "its path is absolute" };
  if (name.includes("\0")) return { refuse: "its path holds NUL" };
  if (Buffer.byteLength(name) > limits.pathBytes)
    return { refuse: `its path is longer than ${limits.pathBytes} bytes` };
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return { refuse: "its path goes up with '..'" };
  if (parts.length > limits.depth) return { refuse: `it is more than ${limits.depth} folders deep` };
  return parts.join("/");
}
