import { z } from "zod";
import type { AnyObject } from "../api/objects.ts";
import { formatAge } from "./age.ts";

/** The members of an Event that are shown, as loose as kubectl reads them. */
const eventSchema = z.looseObject({
  metadata: z.looseObject({ namespace: z.string().optional(), creationTimestamp: z.string().nullish() }),
  involvedObject: z.looseObject({ kind: z.string(), name: z.string() }),
  reason: z.string().default(""),
  message: z.string().default(""),
  type: z.string().default("Normal"),
  count: z.number().optional(),
  firstTimestamp: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  source: z.looseObject({ component: z.string().optional() }).optional(),
  reportingComponent: z.string().optional(),
});
export type ShownEvent = z.infer<typeof eventSchema>;

export function readEvent(object: AnyObject): ShownEvent {
  return eventSchema.parse(object);
}

function lastSeen(event: ShownEvent): string | undefined {
  return event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? undefined;
}

/** Oldest first. */
export function sortEvents(events: readonly ShownEvent[]): ShownEvent[] {
  const times = new Map(events.map((event) => [event, Date.parse(lastSeen(event) ?? "") || 0]));
  return events.toSorted((a, b) => (times.get(a) ?? 0) - (times.get(b) ?? 0));
}

/** `5s (x3 over 2m)`, `5s`. */
export function eventAge(event: ShownEvent, nowMs: number): string {
  const age = formatAge(lastSeen(event), nowMs);
  if ((event.count ?? 1) < 2) return age;
  return `${age} (x${event.count ?? 1} over ${formatAge(event.firstTimestamp ?? event.metadata.creationTimestamp, nowMs)})`;
}

export function eventObject(event: ShownEvent): string {
  return `${event.involvedObject.kind}/${event.involvedObject.name}`;
}

export function eventSource(event: ShownEvent): string {
  return event.source?.component ?? event.reportingComponent ?? "";
}
