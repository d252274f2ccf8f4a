import { formatBytesForPeople, type MigrationStatus } from "@vfleet/shared";
import { bar, formatMilliseconds } from "./progress.ts";

interface State {
  server: string;
  status: MigrationStatus;
  bytesPerSecond?: number | undefined;
}

/** What is shown of a migration under way: a line per phase, and a bar that moves. */
export function migrationState({ server, status, bytesPerSecond }: State): { headline: string; bar: string } {
  const { phase = "Pending", movedBytes, expectedBytes } = status;
  // Said once, when it is chosen.
  const chosen = phase === "Pending" || phase === "Preparing" ? status.mode : undefined;
  const mode =
    chosen === undefined ? "" : ` (${chosen}${status.modeReason === undefined ? "" : `: ${status.modeReason}`})`;
  const why =
    (phase === "Pending" || status.bothHostsNeeded === true) && (status.message ?? status.reason) !== undefined
      ? `: ${status.message ?? status.reason ?? ""}`
      : "";
  const headline = `${server}: ${route(status)}${phase}${mode}${why}`;
  if (movedBytes === undefined) return { headline, bar: headline };
  const amount =
    expectedBytes === undefined
      ? formatBytesForPeople(movedBytes)
      : `${formatBytesForPeople(movedBytes)} of ${formatBytesForPeople(expectedBytes)}`;
  const isCopying = phase === "Syncing" || phase === "Freezing";
  const rateNow = status.rateBytesPerSecond ?? bytesPerSecond;
  const isMoving = isCopying || status.bothHostsNeeded === true;
  const facts = [
    isMoving && rateNow !== undefined ? perSecond(rateNow) : undefined,
    isCopying && status.round !== undefined ? `round ${status.round}` : undefined,
    isCopying && status.dirtyRateBytesPerSecond !== undefined
      ? `${perSecond(status.dirtyRateBytesPerSecond)} written`
      : undefined,
    pauseText(status, rateNow),
    status.bothHostsNeeded === true ? "both hosts needed" : undefined,
  ].filter((fact) => fact !== undefined);
  const progress = expectedBytes === undefined ? "" : `${bar(movedBytes, expectedBytes)} `;
  return { headline, bar: `${server}: ${phase} ${progress}${[amount, ...facts].join(", ")}` };
}

/** One line about a migration that has succeeded. */
export function migrationResult(server: string, status: MigrationStatus): string {
  const facts = [
    status.pauseMs === undefined ? undefined : `pause ${formatMilliseconds(status.pauseMs)}${foretold(status)}`,
    status.totalMs === undefined ? undefined : `total ${formatMilliseconds(status.totalMs)}`,
    status.memoryBytes === undefined ? undefined : `memory ${formatBytesForPeople(status.memoryBytes)}`,
    status.wireBytes === undefined ? undefined : `sent ${formatBytesForPeople(status.wireBytes)}`,
  ].filter((fact) => fact !== undefined);
  return `${server} migrated${route(status).trimEnd() === "" ? "" : ` ${route(status).trimEnd()}`}${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`;
}

/** `host-1 -> host-2 `, as far as it is known; `undefined` parts are left out. */
function route({ sourceNode, targetNode }: Pick<MigrationStatus, "sourceNode" | "targetNode">): string {
  if (sourceNode === undefined && targetNode === undefined) return "";
  return `${sourceNode ?? "?"} -> ${targetNode ?? "?"} `;
}

/** As it was, or as it will be. */
function pauseText(status: MigrationStatus, bytesPerSecond: number | undefined): string | undefined {
  if (status.pauseMs !== undefined) return `pause ${formatMilliseconds(status.pauseMs)}`;
  const { mode, movedBytes, expectedBytes, phase, predictedPauseMs } = status;
  // How long a server takes to stop and to start is its own.
  if (
    phase === "Freezing" &&
    mode !== "Cold" &&
    movedBytes !== undefined &&
    expectedBytes !== undefined &&
    bytesPerSecond
  ) {
    const left = formatMilliseconds((Math.max(0, expectedBytes - movedBytes) / bytesPerSecond) * 1000);
    return `about ${left} of pause left`;
  }
  return predictedPauseMs === undefined ? undefined : `pause predicted ${formatMilliseconds(predictedPauseMs)}`;
}

function foretold({ predictedPauseMs }: MigrationStatus): string {
  return predictedPauseMs === undefined ? "" : ` (predicted ${formatMilliseconds(predictedPauseMs)})`;
}

function perSecond(rate: number): string {
  return `${formatBytesForPeople(Math.round(rate))}/s`;
}

/** A line for each round of memory, once it has ended. */
export class RoundLines {
  #told = 0;

  news(server: string, { rounds = [] }: Pick<MigrationStatus, "rounds">): string[] {
    const news = rounds.slice(this.#told);
    this.#told = Math.max(this.#told, rounds.length);
    return news.map(
      ({ round, pages, bytes, durationMs }) =>
        `${server}: round ${round}: ${formatBytesForPeople(bytes)} in ${pages} pages, ${formatMilliseconds(durationMs)}`,
    );
  }
}

/** Bytes per second over the last few readings of a counter. */
export class RateMeter {
  #readings: { bytes: number; atMs: number }[] = [];

  measure(bytes: number | undefined, nowMs: number): number | undefined {
    if (bytes === undefined) return undefined;
    this.#readings = [...this.#readings, { bytes, atMs: nowMs }].slice(-8);
    const [first] = this.#readings;
    if (first === undefined || nowMs - first.atMs < 100) return undefined;
    return ((bytes - first.bytes) / (nowMs - first.atMs)) * 1000;
  }
}
