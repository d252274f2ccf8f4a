import { z } from "zod";

const addressesSchema = z.record(z.string(), z.string());

/** Where everything is, for static forwarding entries. */
export const networkMapSchema = z.object({
  /** Underlay addresses of every host and gateway on the overlay, by name. */
  peers: addressesSchema,
  /** Which underlay address each server's MAC is behind. */
  servers: addressesSchema,
});
export type NetworkMap = z.infer<typeof networkMapSchema>;

const changesSchema = z.record(z.string(), z.string().nullable());

/** A piece of the map's history: what has changed between two versions, as it is now. `null`: gone. */
export const networkUpdateSchema = z.object({
  /**
   * `from`: a node at this version or a later one may take it; 0: it begins anew, and what it has had is replaced by what came since when a
   * piece says `isLast`. None: news ahead of its turn, which comes in its turn, too.
   */
  versions: z.object({ from: z.number().int(), to: z.number().int(), isLast: z.boolean() }).optional(),
  peers: changesSchema,
  servers: changesSchema,
});
export type NetworkUpdate = z.infer<typeof networkUpdateSchema>;

/** What a node has of the map. */
export const networkStateSchema = z.object({
  /** 0: nothing. */
  version: z.number().int(),
  /** Equal for equal maps. */
  digest: z.string(),
});
export type NetworkState = z.infer<typeof networkStateSchema>;
