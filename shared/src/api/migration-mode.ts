import { z } from "zod";

export const migrationModes = ["Auto", "Precopy", "StopAndCopy", "Postcopy", "Hybrid", "Cold"] as const;
export type MigrationMode = (typeof migrationModes)[number];
export const migrationModeSchema = z.enum(migrationModes);

/** From the commit until the last page has arrived, the loss of either host loses the server. */
export function isPostCopyMode(mode: string | undefined): boolean {
  return mode === "Postcopy" || mode === "Hybrid";
}

/** Memory goes over in rounds while the server runs: the kernel must say which pages were written. */
export function hasRounds(mode: string | undefined): boolean {
  return mode === "Precopy" || mode === "Hybrid";
}
