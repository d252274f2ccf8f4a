import type { Migration, Node, VirtualServer } from "@vfleet/shared";
import { parseBytes } from "@vfleet/shared";
import { chooseMode, type ChosenMode } from "./choose-mode.ts";
import { moveWishes } from "./move-wishes.ts";
import { knownAroundMs, knownColdMs, predictDurationMs } from "./predict-duration.ts";
import { knownDirtyRate, knownPath, type Path } from "./predict-pause.ts";

export interface Forecast extends ChosenMode {
  /** None: it can't be told. */
  predictedDurationMs?: number;
}

/** What moves would be like, by what earlier ones were. Each of these is looked at once, however many forecasts are made. */
export class MoveForecasts {
  readonly #byPath: ReadonlyMap<string, readonly Migration[]>;
  readonly #byServer: ReadonlyMap<string, readonly Migration[]>;
  readonly #coldMs: number | undefined;
  readonly #paths = new Map<string, Path>();
  readonly #arounds = new Map<string, number>();

  constructor(migrations: readonly Migration[]) {
    this.#byPath = Map.groupBy(migrations, ({ status }) => pathKey(status?.sourceNode, status?.targetNode));
    this.#byServer = Map.groupBy(migrations, ({ metadata, spec }) => serverKey(metadata.namespace, spec.server));
    this.#coldMs = knownColdMs(migrations);
  }

  /** `mode`: asked for by the move itself; none: as the server says. */
  of(
    server: VirtualServer,
    move: { source: Node | undefined; target: string; memoryBytes: number | undefined; mode?: "Cold" | undefined },
  ): Forecast {
    const { source, target, memoryBytes, mode } = move;
    const wishes = moveWishes(server, mode === undefined ? {} : { mode });
    const limit = wishes.options.bandwidthBytesPerSecond;
    const place = pathKey(source?.metadata.name, target);
    const path = this.#path(place, { source: source?.metadata.name ?? "", target, limit });
    const dirtyRateBytesPerSecond = knownDirtyRate(
      this.#byServer.get(serverKey(server.metadata.namespace, server.metadata.name)) ?? [],
      server.metadata,
    );
    const memoryLimitBytes = parseBytes(server.spec.resources.limits.memory);
    const chosen = chooseMode({
      wishes,
      memoryBytes,
      memoryLimitBytes,
      path,
      tracksDirtyPages: source?.status?.fleet?.dirtyTracking === true,
      dirtyRateBytesPerSecond,
    });
    const predictedDurationMs = predictDurationMs({
      mode: chosen.mode,
      memoryBytes: memoryBytes ?? memoryLimitBytes,
      path,
      aroundMs: this.#around(place),
      predictedPauseMs: chosen.predictedPauseMs,
      dirtyRateBytesPerSecond,
      coldMs: this.#coldMs,
    });
    return { ...chosen, ...(predictedDurationMs === undefined ? {} : { predictedDurationMs }) };
  }

  #path(place: string, link: { source: string; target: string; limit: number | undefined }): Path {
    const key = `${place} ${link.limit ?? ""}`;
    const path = this.#paths.get(key) ?? knownPath(this.#byPath.get(place) ?? [], link);
    this.#paths.set(key, path);
    return path;
  }

  #around(place: string): number {
    const aroundMs = this.#arounds.get(place) ?? knownAroundMs(this.#byPath.get(place) ?? []);
    this.#arounds.set(place, aroundMs);
    return aroundMs;
  }
}

function pathKey(source: string | undefined, target: string | undefined): string {
  return `${source ?? ""} ${target ?? ""}`;
}

function serverKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? "default"}/${name}`;
}
