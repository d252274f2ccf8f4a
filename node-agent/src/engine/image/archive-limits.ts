/** Bounds of an image archive: generous for a distribution, small against a bomb. */
export const archiveLimits = {
  members: 1_000_000,
  contentBytes: 64 * 2 ** 30,
  pathBytes: 4096,
  depth: 64,
  ids: 65_536,
} as const;
export type ArchiveLimits = { readonly [limit in keyof typeof archiveLimits]: number };
