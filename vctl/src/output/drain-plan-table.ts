import type { Drain } from "@vfleet/shared";
import { formatMilliseconds } from "./progress.ts";

type DrainPlan = NonNullable<NonNullable<Drain["status"]>["plan"]>;

/** What a drain would do, a server each, with a heading. */
export function planRows({ servers }: DrainPlan): string[][] {
  const rows = servers.map((entry) => [
    entry.server,
    entry.action,
    entry.targetNode ?? "<none>",
    entry.mode ?? "<none>",
    pauseText(entry),
    entry.predictedDurationMs === undefined ? "<unknown>" : formatMilliseconds(entry.predictedDurationMs),
    entry.startsAfterMs === undefined ? "<none>" : formatMilliseconds(entry.startsAfterMs),
    whyText(entry),
  ]);
  return [["SERVER", "ACTION", "TARGET", "MODE", "PAUSE", "TAKES", "AFTER", "WHY"], ...rows];
}

/** The whole in a sentence. */
export function planSummary({ servers, totalMs, isAtLeast = false }: DrainPlan): string {
  const count = (action: string) => servers.filter((entry) => entry.action === action).length;
  const time = `${isAtLeast ? "at least " : "about "}${formatMilliseconds(totalMs)}`;
  const starts = count("Start") === 0 ? "" : `${count("Start")} to start, `;
  return `${count("Move")} to move, ${starts}${count("Stop")} to stop, ${count("Wait")} to wait for; ${time} in all`;
}

function pauseText({ predictedPauseMs, maxDowntimeMs, action, mode }: DrainPlan["servers"][number]): string {
  if (predictedPauseMs !== undefined) return formatMilliseconds(predictedPauseMs);
  if (maxDowntimeMs !== undefined) return `aim ${formatMilliseconds(maxDowntimeMs)}`;
  if (action === "Stop") return "for good";
  return mode === "Cold" ? "stop to start" : "<none>";
}

/** What is plain needs no reason here; why a mode was picked is in the plan itself. */
function whyText({ reason = "", fallback }: DrainPlan["servers"][number]): string {
  return fallback === undefined ? reason : `${reason} (fallback ${fallback})`;
}
