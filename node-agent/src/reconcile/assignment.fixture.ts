import type { ServerAssignment } from "@vfleet/shared";

/** A server as the controller assigns it; tests change what they are about. */
export function assignmentForTests(change: Partial<ServerAssignment> = {}): ServerAssignment {
  return {
    uid: "0b3d1a9e-1111-4222-8333-444455556666",
    namespace: "default",
    name: "web",
    epoch: 1,
    generation: 1,
    run: true,
    awaitsRestore: false,
    isIsolated: false,
    restartPolicy: "Always",
    image: { name: "debian", digest: "sha256:00" },
    command: ["sleep", "600"],
    environment: {},
    workingDirectory: "/",
    user: { uid: 0, gid: 0 },
    hostname: "web",
    isolation: "Default",
    endsWithLease: false,
    limits: { milliCpu: 1500, requestMilliCpu: 250, memoryBytes: 256 << 20, diskBytes: 1 << 30, pids: 64 },
    network: { address: "10.200.0.20", macAddress: "02:00:0a:c8:00:14" },
    idBlockStart: 1_000_000_000,
    ...change,
  };
}
