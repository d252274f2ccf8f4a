import { z } from "zod";
import { copiesSchema } from "./checkpoint.ts";
import { objectionToSchedule } from "./checkpoint-times.ts";
import { allVerbs, defineKind } from "./kind.ts";
import { labelSelectorSchema } from "./label-selector.ts";
import { nameSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";

const daySeconds = 86_400;
const seconds = (least: number, most: number) => z.number().int().min(least).max(most);

const retentionSchema = z
  .strictObject({
    keepLast: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(7)
      .meta({ description: "Ready ones of each server; the oldest go" }),
    maxAgeSeconds: seconds(60, 3660 * daySeconds)
      .optional()
      .meta({
        description: "Ready ones go at this age, but never the last one of a server that is still there",
      }),
    keepFailed: z.number().int().min(0).max(100).default(3).meta({
      description: "Of each server: the newest ones that could not be taken",
    }),
  })
  .meta({ description: "What is kept of the checkpoints that this schedule has made" });

const specSchema = z
  .strictObject({
    server: subdomainSchema.optional().meta({ description: "Virtual server of the same namespace; or selector" }),
    selector: labelSelectorSchema
      .optional()
      .meta({ description: "Virtual servers of the same namespace, those of the future included; empty: all of them" }),
    schedule: z.string().max(200).optional().meta({
      description:
        'Five fields as of cron (minute, hour, day of the month, month, day of the week), such as "30 3 * * MON-FRI", or @hourly, @daily, @weekly, @monthly, @yearly',
    }),
    timeZone: z
      .string()
      .max(100)
      .optional()
      .meta({ description: "By whose clock the schedule is read, such as Europe/Berlin; none: UTC" }),
    intervalSeconds: seconds(60, 366 * daySeconds)
      .optional()
      .meta({ description: "In place of a schedule: so far apart, counted from the schedule's creation" }),
    suspend: z
      .boolean()
      .default(false)
      .meta({ description: "Nothing new is taken; what is kept stays under its rules" }),
    startingDeadlineSeconds: seconds(1, 366 * daySeconds)
      .optional()
      .meta({
        description: "A time that was missed by more is not made up; none: the last missed one always is",
      }),
    copies: copiesSchema,
    retention: retentionSchema.prefault({}),
  })
  .superRefine((spec, context) => {
    const refuse = (member: keyof typeof spec, message: string) =>
      context.addIssue({ code: "custom", path: [member], input: spec[member], message });
    if ((spec.server === undefined) === (spec.selector === undefined))
      refuse("server", "exactly one of server and selector is needed");
    if ((spec.schedule === undefined) === (spec.intervalSeconds === undefined))
      refuse("schedule", "exactly one of schedule and intervalSeconds is needed");
    if (spec.timeZone !== undefined && spec.schedule === undefined) refuse("timeZone", "needs a schedule");
    if (spec.schedule === undefined) return;
    const objection = objectionToSchedule(spec.schedule, spec.timeZone ?? "UTC");
    if (objection !== undefined) refuse(objection.member, objection.message);
  });

export const checkpointScheduleSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("CheckpointSchedule"),
  // Its checkpoints' names begin with it, as with a CronJob's.
  metadata: objectMetaSchema.extend({ name: nameSchema.max(52) }),
  spec: specSchema,
  status: z
    .looseObject({
      lastScheduleTime: z.string().optional().meta({ description: "The last time that was acted upon" }),
      nextScheduleTime: z.string().optional(),
      lastSuccessfulTime: z.string().optional().meta({ description: "When the newest ready one was asked for" }),
      servers: z.number().int().optional().meta({ description: "That it is for now" }),
      active: z.number().int().optional().meta({ description: "Checkpoints of it that are not finished" }),
      ready: z.number().int().optional().meta({ description: "Checkpoints of it that are kept" }),
      message: z.string().optional().meta({ description: "What the last time came to, where that was not all" }),
    })
    .optional(),
});
export type CheckpointSchedule = z.infer<typeof checkpointScheduleSchema>;
export type CheckpointScheduleStatus = NonNullable<CheckpointSchedule["status"]>;

export const checkpointScheduleKind = defineKind<CheckpointSchedule>({
  group: "vfleet.dev",
  version: "v1",
  kind: "CheckpointSchedule",
  plural: "checkpointschedules",
  singular: "checkpointschedule",
  shortNames: ["cps"],
  categories: ["fleet"],
  namespaced: true,
  statusSubresource: true,
  verbs: allVerbs,
  schema: checkpointScheduleSchema,
  selectableFields: ["spec.server", "spec.suspend"],
  columns: [
    {
      name: "Schedule",
      type: "string",
      description: "When",
      value: ({ spec }) => spec.schedule ?? `every ${spec.intervalSeconds}s`,
    },
    { name: "Timezone", type: "string", description: "Whose", value: ({ spec }) => spec.timeZone ?? "<none>" },
    {
      name: "Server",
      type: "string",
      description: "Of which",
      value: ({ spec, status }) => spec.server ?? `<${status?.servers ?? 0} selected>`,
    },
    { name: "Suspend", type: "boolean", description: "Nothing new is taken", value: ({ spec }) => spec.suspend },
    { name: "Active", type: "integer", description: "Not finished", value: ({ status }) => status?.active ?? 0 },
    { name: "Ready", type: "integer", description: "Kept", value: ({ status }) => status?.ready ?? 0 },
    {
      name: "Last-Schedule",
      type: "date",
      description: "The last time acted upon",
      value: ({ status }) => status?.lastScheduleTime,
    },
    { name: "Age", type: "date", description: "Since creation", value: ({ metadata }) => metadata.creationTimestamp },
    {
      name: "Message",
      type: "string",
      description: "What the last time came to",
      priority: 1,
      value: ({ status }) => status?.message ?? "",
    },
  ],
});
