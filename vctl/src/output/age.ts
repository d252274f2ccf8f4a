const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayHours = 24;

/** A duration as kubectl prints ages: two units at most, coarser as it grows (its `duration.HumanDuration`). */
function formatDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / secondMs);
  if (seconds < -1) return "<invalid>"; // a clock that is ahead by more than the tolerated second
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(durationMs / minuteMs);
  if (minutes < 10) return pair(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(durationMs / hourMs);
  if (hours < 8) return pair(hours, "h", minutes % 60, "m");
  if (hours < 2 * dayHours) return `${hours}h`;
  const days = Math.trunc(hours / dayHours);
  if (days < 8) return pair(days, "d", hours % dayHours, "h");
  if (days < 2 * 365) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (days < 8 * 365) return pair(years, "y", days % 365, "d");
  return `${years}y`;
}

/** Time since an RFC 3339 timestamp; `<unknown>` where there is none. */
export function formatAge(timestamp: string | null | undefined, nowMs: number): string {
  const thenMs = Date.parse(timestamp ?? "");
  return Number.isNaN(thenMs) ? "<unknown>" : formatDuration(nowMs - thenMs);
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
