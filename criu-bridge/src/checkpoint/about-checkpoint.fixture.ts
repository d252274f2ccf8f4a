import type { AboutCheckpoint } from "./checkpoint-content.ts";

export const about: AboutCheckpoint = {
  server: "default/web",
  node: "a",
  takenAt: "2026-01-01T00:00:00.000Z",
  pauseMs: 12.5,
  versions: {
    criu: "4.2.1",
    runc: "1.1.5",
    kernel: "6.1",
    architecture: "x64",
    cgroup: "v2",
    cpuFlags: ["avx"],
    dirtyTracking: false,
  },
  volume: { snapshot: "snapshot", bytes: 8192 },
  spec: { uid: "web" },
};
