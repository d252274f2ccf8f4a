import { conditionSchema } from "@vfleet/shared";
import { z } from "zod";
import type { AnyObject } from "../api/objects.ts";
import { formatAge } from "./age.ts";
import { eventAge, eventSource, type ShownEvent, sortEvents } from "./event-table.ts";
import type { Outline, OutlineValue } from "./outline.ts";
import { outlineOf } from "./outline.ts";

const shownByName = ["name", "namespace", "labels", "annotations", "managedFields"];
const statusSchema = z.looseObject({ conditions: z.array(conditionSchema.loose()).nullish() }).prefault({});

/** What every description begins with. */
export function identity({ metadata }: AnyObject): Outline {
  return [
    ["Name", metadata.name],
    ...(metadata.namespace === undefined ? [] : [["Namespace", metadata.namespace] as const]),
    ["Labels", pairs(metadata.labels)],
    ["Annotations", pairs(metadata.annotations)],
  ];
}

/** A kind that has no description of its own: all of its members. */
export function describeAny(object: AnyObject): Outline {
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([key]) => !shownByName.includes(key)));
  const { apiVersion, kind, metadata: _, status, ...rest } = object;
  const { conditions, ...otherStatus } = statusSchema.parse(status);
  return [
    ...identity(object),
    ["API Version", apiVersion],
    ["Kind", kind],
    ["Metadata", { entries: outlineOf(metadata) }],
    ...outlineOf(rest),
    ...(Object.keys(otherStatus).length === 0 ? [] : [["Status", { entries: outlineOf(otherStatus) }] as const]),
    ...(conditions === undefined || conditions === null ? [] : [["Conditions", conditionRows(conditions)] as const]),
  ];
}

export function conditionsOf(object: AnyObject): OutlineValue {
  return conditionRows(statusSchema.parse(object["status"]).conditions ?? []);
}

function conditionRows(conditions: readonly z.infer<typeof conditionSchema>[]): OutlineValue {
  const rows = conditions.map((condition) => [
    condition.type,
    condition.status,
    condition.lastTransitionTime ?? "",
    condition.reason ?? "",
    condition.message ?? "",
  ]);
  return { rows: [["Type", "Status", "LastTransitionTime", "Reason", "Message"], ...rows] };
}

export function eventRows(events: readonly ShownEvent[], nowMs: number): OutlineValue {
  const rows = sortEvents(events).map((event) => [
    event.type,
    event.reason,
    eventAge(event, nowMs),
    eventSource(event),
    event.message,
  ]);
  return { rows: [["Type", "Reason", "Age", "From", "Message"], ...rows] };
}

/** A time as it stands, and how long ago. */
export function timeText(timestamp: string | null | undefined, nowMs: number): string {
  return timestamp === null || timestamp === undefined ? "<none>" : `${timestamp} (${formatAge(timestamp, nowMs)} ago)`;
}

export function textOr(value: string | number | undefined, otherwise = "<none>"): string {
  return value === undefined || value === "" ? otherwise : String(value);
}

export function pairs(map: Readonly<Record<string, string>> | null | undefined): readonly string[] {
  return Object.entries(map ?? {})
    .filter(([key]) => key !== "kubectl.kubernetes.io/last-applied-configuration") // the file over again
    .map(([key, value]) => `${key}=${value}`)
    .toSorted();
}
