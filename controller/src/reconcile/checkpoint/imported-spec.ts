import type { VirtualServer } from "@vfleet/shared";
import { serverAssignmentSchema, virtualServerSpecSchema } from "@vfleet/shared";

/** What a server was, of what a host was told to run; none: that can't be read. What it may do is its isolation's to say, as any server's. */
export function importedSpec(found: unknown): VirtualServer["spec"] | undefined {
  const { data } = serverAssignmentSchema.safeParse(found);
  if (data === undefined) return undefined;
  const { limits } = data;
  const milliCpu = (value: number) => `${value}m`;
  return virtualServerSpecSchema.safeParse({
    image: data.image.name,
    command: data.command,
    environment: data.environment,
    workingDirectory: data.workingDirectory,
    user: `${data.user.uid}:${data.user.gid}`,
    hostname: data.hostname,
    restartPolicy: data.restartPolicy,
    isolation: data.isolation,
    resources: {
      requests: { cpu: milliCpu(limits.requestMilliCpu) },
      limits: {
        ...(limits.milliCpu === undefined ? {} : { cpu: milliCpu(limits.milliCpu) }),
        memory: String(limits.memoryBytes),
        disk: String(limits.diskBytes),
        pids: String(limits.pids),
      },
    },
  }).data;
}
