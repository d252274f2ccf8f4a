import { createLogger, Failpoints, systemEnvironment } from "@vfleet/shared";
import { criuVersion } from "../../criu/probe.ts";
import type { SessionHost } from "../../session/session-options.ts";
import { hostFolders } from "../../session/system/host-folders.ts";
import type { TakeOptions } from "../take-checkpoint.ts";
import { takePorts } from "./checkpoint-ports.ts";

export const hostName = "a";
export const server = "default/web";

export async function boxHost(box: string): Promise<SessionHost> {
  const folders = hostFolders(box, hostName);
  return {
    environment: systemEnvironment,
    log: createLogger(`host-${hostName}`, process.env["BOX_LOG"] ?? "silent"),
    failpoints: new Failpoints(folders.failpoints),
    programs: { criu: "criu", runc: "runc" },
    searchPath: process.env["PATH"] ?? "",
    criuVersion: await criuVersion("criu"),
    runFolder: folders.run,
    stateFolder: folders.state,
    tls: { ca: "", certificate: "", key: "" },
  };
}

export function takeOptions(
  host: SessionHost,
  { box, id, memoryBytes }: { box: string; id: string; memoryBytes: number },
): TakeOptions {
  const versions = {
    criu: host.criuVersion,
    runc: "",
    kernel: "",
    architecture: process.arch,
    cgroup: "v1" as const,
    cpuFlags: [],
    dirtyTracking: false,
  };
  return {
    host,
    ports: takePorts(box, hostName, id),
    id,
    about: { server, node: hostName, spec: { uid: "web" }, versions },
    expectedMemoryBytes: memoryBytes,
  };
}
