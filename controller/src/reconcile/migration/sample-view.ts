import type { MigrationProgress, MigrationStatus } from "@vfleet/shared";
import { placedStatus, sampleMigration, sampleServer } from "../samples.ts";
import type { MigrationView, SideView } from "./migration-view.ts";

/** Ten seconds after the sampled moves began. */
export const now = "2026-01-01T00:00:10.000Z";
const started: MigrationStatus = {
  startedAt: "2026-01-01T00:00:00.000Z",
  sourceNode: "host-1",
  targetNode: "host-2",
  epoch: 1,
};
const side: SideView = {
  presence: "alive",
  progress: undefined,
  quietMs: 0,
  held: undefined,
  hasReported: true,
};
const idle: MigrationView["session"] = {
  state: "idle",
  error: undefined,
  silentMs: 0,
  stalledMs: 0,
  marks: [],
  told: false,
};

export function sampleProgress(
  of: "source" | "target",
  phase: MigrationProgress["phase"],
  more: Partial<MigrationProgress> = {},
): MigrationProgress {
  return {
    operation: "uid-move",
    uid: "uid-web",
    side: of,
    phase,
    movedBytes: 0,
    expectedBytes: 0,
    memoryBytes: 0,
    volumeBytes: 0,
    wireBytes: 0,
    timeline: [],
    ...more,
  };
}

export interface ViewChanges extends Partial<Omit<MigrationView, "source" | "target" | "session" | "migration">> {
  phase?: MigrationStatus["phase"];
  cancel?: boolean;
  status?: MigrationStatus;
  source?: Partial<SideView>;
  target?: Partial<SideView>;
  session?: Partial<MigrationView["session"]>;
  metadata?: object;
}

/** A move of `web` from host-1 to host-2 that has begun, with what each test names on top. */
export function sampleView({
  phase,
  cancel = false,
  status = {},
  source,
  target,
  session,
  metadata,
  ...changes
}: ViewChanges): MigrationView {
  return {
    migration: sampleMigration("move", {
      spec: { cancel },
      metadata: metadata ?? {},
      ...(phase === undefined ? {} : { status: { ...started, phase, ...status } }),
    }),
    server: sampleServer("web", { status: placedStatus("host-1") }),
    operation: { state: "begun" },
    source: { ...side, ...source },
    target: { ...side, ...target },
    session: { ...idle, ...session },
    isSettling: false,
    now,
    ...changes,
  };
}
