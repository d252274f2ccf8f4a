import type { LogOptions } from "../engine/runtime/server-log.ts";

export type LogParameters = Omit<LogOptions, "signal"> & { limitBytes: number };

/** Kubernetes' `PodLogOptions` as query parameters; what isn't a number counts as not given. */
export function parseLogParameters(query: URLSearchParams, nowMs: number): LogParameters {
  const sinceSeconds = wholeNumber(query.get("sinceSeconds"));
  const sinceTime = Date.parse(query.get("sinceTime") ?? "");
  return {
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    tailLines: wholeNumber(query.get("tailLines")),
    sinceMs: sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : Number.isNaN(sinceTime) ? undefined : sinceTime,
    limitBytes: wholeNumber(query.get("limitBytes")) ?? Number.POSITIVE_INFINITY,
  };
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
