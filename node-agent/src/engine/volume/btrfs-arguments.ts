/** Arguments of btrfs(8), pure. */
export const btrfsArguments = {
  createSubvolume: (folder: string) => ["btrfs", "subvolume", "create", folder],
  snapshot: (from: string, to: string, options: { readOnly: boolean }) => [
    "btrfs",
    "subvolume",
    "snapshot",
    ...(options.readOnly ? ["-r"] : []),
    from,
    to,
  ],
  setReadOnly: (folder: string) => ["btrfs", "property", "set", "-ts", folder, "ro", "true"],
  delete: (folder: string) => ["btrfs", "subvolume", "delete", folder],
  enableQuota: (fileSystem: string) => ["btrfs", "quota", "enable", fileSystem],
  /** Of everything it refers to: what it shares with its image counts, as on a disk of its own. */
  limit: (folder: string, bytes: number) => ["btrfs", "qgroup", "limit", String(bytes), folder],
  showGroup: (folder: string) => ["btrfs", "qgroup", "show", "-f", "--raw", folder],
  show: (folder: string) => ["btrfs", "subvolume", "show", folder],
  subvolumeId: (folder: string) => ["btrfs", "inspect-internal", "rootid", folder],
  destroyGroup: (id: string, fileSystem: string) => ["btrfs", "qgroup", "destroy", `0/${id}`, fileSystem],
  send: (folder: string, parent?: string) => [
    "btrfs",
    "send",
    "--quiet",
    ...(parent === undefined ? [] : ["-p", parent]),
    folder,
  ],
  receive: (intoFolder: string) => ["btrfs", "receive", "--quiet", "-e", intoFolder],
  /** In a root of its own: no path of the stream leads out, and no other subvolume can be named. */
  receiveConfined: (intoFolder: string) => ["btrfs", "receive", "--quiet", "-C", "-e", intoFolder],
} as const;

/** Names the first file below that no server can have made: a device, or one of an owner outside of its ids. */
export function findForeign(folder: string): string[] {
  const outside = ["-uid", "+65535", "-o", "-gid", "+65535"];
  return [
    "find",
    folder,
    "-xdev",
    "(",
    "-type",
    "b",
    "-o",
    "-type",
    "c",
    "-o",
    ...outside,
    ")",
    "-printf",
    "%P",
    "-quit",
  ];
}

/** Bytes a subvolume refers to, from `btrfs qgroup show -f --raw`: `0/256  16384  16384  …`. */
export function parseReferredBytes(shown: string): number | undefined {
  for (const line of shown.split("\n")) {
    const match = /^0\/\d+\s+(\d+)\s+\d+/.exec(line.trim());
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}

/** From `btrfs subvolume show`: the id of the subvolume that it was received from, its own where it wasn't received. */
export function parseLineage(shown: string): string | undefined {
  const id = (name: string) => new RegExp(`^\\s*${name}:\\s+([0-9a-f-]{36})\\s*$`, "m").exec(shown)?.[1];
  return id("Received UUID") ?? id("UUID");
}
