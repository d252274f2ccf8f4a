import { z } from "zod";
import { endpointSchema, serverAssignmentSchema } from "./assignment.ts";

/** Identifier of one move: the Migration object's uid. Repeating a step with it changes nothing. */
export const operationSchema = z.string().regex(/^[A-Za-z0-9-]{1,64}$/);

const millisecondsSchema = z.number().min(0);
const bytesPerSecondSchema = z.number().min(0);

/** How a move is done. `Auto` is decided before anything is sent: hosts never see it. */
export const moveModes = ["StopAndCopy", "Precopy", "Postcopy", "Hybrid", "Cold"] as const;
export type MoveMode = (typeof moveModes)[number];
export const moveModeSchema = z.enum(moveModes);

/** What a move may cost, decided by the controller from the server's and the Migration's wishes. */
export const moveOptionsSchema = z.object({
  /** Of memory and volume together, on the wire, compressed. None: as fast as it goes. */
  bandwidthBytesPerSecond: z.number().min(1).optional(),
  /** Rounds end, and the freeze begins, once the predicted pause is within this. */
  maxDowntimeMs: millisecondsSchema.default(900),
  /** Of memory, before the freeze. */
  rounds: z.number().int().min(1).default(10),
  /** Without a byte moved for this long, a move that isn't committed ends. */
  progressTimeoutMs: millisecondsSchema.default(150_000),
  /** What a pause takes beside its memory, as far as earlier moves tell. */
  fixedPauseMs: millisecondsSchema.default(400),
  /** Whether rounds that don't converge may end in post-copy. */
  allowPostCopy: z.boolean().default(false),
});
export type MoveOptions = z.infer<typeof moveOptionsSchema>;

/** One round of memory, sent while the server ran. */
export const moveRoundSchema = z.object({
  round: z.number().int().min(0),
  pages: z.number().int().min(0),
  /** Of memory, before compression. */
  bytes: z.number().min(0),
  durationMs: millisecondsSchema,
});
export type MoveRound = z.infer<typeof moveRoundSchema>;

/** To the target: reserve, fetch the image, listen. Replied with `PreparedTarget`. */
export const prepareTargetSchema = z.object({
  kind: z.literal("migration.prepare-target"),
  operation: operationSchema,
  /** With the epoch it gets if the commit is won. */
  server: serverAssignmentSchema,
  source: z.object({ node: z.string() }),
  mode: moveModeSchema,
  /** Agents that hold the image. */
  imagePeers: z.array(z.object({ node: z.string(), endpoint: endpointSchema })),
  /** The ticket is refused after this. */
  ticketLifetimeMs: millisecondsSchema,
});
export type PrepareTarget = z.infer<typeof prepareTargetSchema>;

export const hostVersionsSchema = z.object({
  criu: z.string(),
  runc: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  cgroup: z.enum(["v1", "v2"]),
  /** CPU feature flags that a server could have begun to use. */
  cpuFlags: z.array(z.string()),
  /** Whether the kernel says which pages were written (soft-dirty): needed at the source of rounds. */
  dirtyTracking: z.boolean().default(false),
});
export type HostVersions = z.infer<typeof hostVersionsSchema>;

export const preparedTargetSchema = z.object({
  ticket: z.string(),
  endpoint: endpointSchema,
  versions: hostVersionsSchema,
});
export type PreparedTarget = z.infer<typeof preparedTargetSchema>;

/** To the source: connect to the target and go. Accepted at once; the rest is told by `MigrationProgress`. */
export const startSourceSchema = z.object({
  kind: z.literal("migration.start-source"),
  operation: operationSchema,
  uid: z.string(),
  epoch: z.number().int(),
  target: z.object({ node: z.string(), endpoint: endpointSchema, versions: hostVersionsSchema }),
  ticket: z.string(),
  mode: moveModeSchema,
  /** Whole move, from the start at the source to the commit. */
  timeoutMs: millisecondsSchema,
  options: moveOptionsSchema.prefault({}),
});
export type StartSource = z.infer<typeof startSourceSchema>;

/** To either side. Before the commit only; the source runs on. */
export const cancelMigrationSchema = z.object({
  kind: z.literal("migration.cancel"),
  operation: operationSchema,
  reason: z.string(),
});

export const outcomes = ["committed", "aborted"] as const;
/** To both sides: what was decided. */
export const migrationOutcomeSchema = z.object({
  kind: z.literal("migration.outcome"),
  operation: operationSchema,
  outcome: z.enum(outcomes),
});

/** Whole picture of one side, sent on change and every 200 ms while bytes move. */
export const migrationProgressSchema = z.object({
  operation: operationSchema,
  uid: z.string(),
  side: z.enum(["source", "target"]),
  /** `preparing` `syncing` `frozen` `restoring` `committed` `cleaning`, then `done` or `failed`. */
  phase: z.enum(["preparing", "syncing", "frozen", "restoring", "committed", "cleaning", "done", "failed"]),
  movedBytes: z.number().min(0),
  expectedBytes: z.number().min(0),
  memoryBytes: z.number().min(0),
  volumeBytes: z.number().min(0),
  wireBytes: z.number().min(0),
  /** Source: frozen until told the outcome. Target: last memory byte until tasks run. */
  pauseMs: millisecondsSchema.optional(),
  /** The mode under way: `Hybrid` says `Postcopy` once it has gone over to it. */
  mode: moveModeSchema.optional(),
  /** The round under way, from 0. */
  round: z.number().int().min(0).optional(),
  /** Those that have ended. */
  rounds: z.array(moveRoundSchema).max(1000).optional(),
  /** Over the last second or so, before compression. */
  rateBytesPerSecond: bytesPerSecondSchema.optional(),
  /** At which the server writes memory, as seen between two rounds. */
  dirtyRateBytesPerSecond: bytesPerSecondSchema.optional(),
  /** Memory still to be sent. */
  remainingBytes: z.number().min(0).optional(),
  /** Were it frozen now. */
  predictedPauseMs: millisecondsSchema.optional(),
  /** Post-copy, from the commit until the last page has arrived: the loss of either host loses the server. */
  bothHostsNeeded: z.boolean().optional(),
  timeline: z.array(
    z.object({ step: z.string(), atMs: millisecondsSchema, durationMs: millisecondsSchema.optional() }),
  ),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type MigrationProgress = z.infer<typeof migrationProgressSchema>;

/** From the target's gate: may the restored tasks run? Compare-and-set on the ownership record. */
export const commitRequestSchema = z.object({
  kind: z.literal("migration.commit"),
  operation: operationSchema,
  uid: z.string(),
  /** Epoch under which the target would run it. */
  epoch: z.number().int(),
});
export const commitReplySchema = z.object({ outcome: z.enum(["committed", "refused"]), reason: z.string().optional() });

/** From either side: what was decided? Never answered on a guess. */
export const outcomeRequestSchema = z.object({ kind: z.literal("migration.outcome"), operation: operationSchema });
export const outcomeReplySchema = z.object({ outcome: z.enum(["committed", "aborted", "undecided"]) });

/** From either side that failed before the commit: abort, as a compare-and-set on the same revision as the commit. */
export const abortRequestSchema = z.object({
  kind: z.literal("migration.abort"),
  operation: operationSchema,
  uid: z.string(),
  reason: z.string(),
});
export const abortReplySchema = z.object({ outcome: z.enum(["committed", "aborted"]) });
