import type { Timeline } from "./timeline.ts";

/** Frozen, or asked to stop, until it is heard that the tasks run, there or here. */
export function sourcePauseMs(timeline: Pick<Timeline, "at">): number | undefined {
  const begins = [timeline.at("stop"), timeline.at("pre-dump"), timeline.at("frozen")].filter(
    (atMs) => atMs !== undefined,
  );
  const endMs = timeline.at("running") ?? timeline.at("resumed");
  if (begins.length === 0 || endMs === undefined) return undefined;
  // The first of a dump is told without waiting and may come last.
  return Math.round(endMs - Math.min(...begins));
}
