import { z } from "zod";
import { migrationModeSchema, isPostCopyMode } from "./migration-mode.ts";
import { bytesSchema } from "./quantities.ts";

const dayMs = 86_400_000;
const daySeconds = 86_400;

/** What a move may cost. Each is the server's own; a Migration may say otherwise for itself. */
export const migrationWishes = {
  mode: migrationModeSchema.meta({
    description:
      "How memory is moved; Auto measures and picks. Cold moves none: it stops the server, sends its files and starts it",
  }),
  allowPostCopy: z.boolean().meta({
    description:
      "Whether memory may follow after the server runs at the target: until it has, the loss of either host loses the server",
  }),
  maxDowntimeMs: z.number().int().min(1).max(dayMs).meta({ description: "Pause that is aimed at, in milliseconds" }),
  bandwidth: bytesSchema
    .refine((text) => !/^0+[A-Za-z]*$/.test(text), "must be more than 0")
    .meta({ description: "Bytes per second on the wire at most, such as 50M; none: as fast as it goes" }),
  rounds: z.number().int().min(1).max(100).meta({ description: "Of memory at most, before the freeze" }),
  progressTimeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(daySeconds)
    .meta({ description: "A move that isn't committed ends when nothing has moved for this long" }),
};

/** A server's `spec.migration`. */
export const migrationPolicySchema = z
  .strictObject({
    mode: migrationWishes.mode.default("Auto"),
    allowPostCopy: migrationWishes.allowPostCopy.default(false),
    maxDowntimeMs: migrationWishes.maxDowntimeMs.default(900),
    bandwidth: migrationWishes.bandwidth.optional(),
    rounds: migrationWishes.rounds.default(10),
    completionTimeoutPerGiBSeconds: z.number().int().min(1).max(daySeconds).default(150),
    progressTimeoutSeconds: migrationWishes.progressTimeoutSeconds.default(150),
    rebalance: z
      .enum(["Allow", "Never"])
      .default("Allow")
      .meta({ description: "Whether it may be moved to relieve its node" }),
  })
  .superRefine((policy, context) => {
    if (!isPostCopyMode(policy.mode) || policy.allowPostCopy) return;
    context.addIssue({ code: "custom", path: ["mode"], input: policy.mode, message: postCopyRule(policy.mode) });
  });
export type MigrationPolicy = z.infer<typeof migrationPolicySchema>;

/** Why a mode is refused where post-copy isn't allowed. */
export function postCopyRule(mode: string): string {
  return `mode "${mode}" needs allowPostCopy: true, since until the last page has arrived the loss of either host loses the server`;
}
