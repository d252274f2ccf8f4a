import { mkdirSync, writeFileSync } from "node:fs";
import { agentConfigSchema } from "@vfleet/shared";
import { installedPaths } from "../install/where.ts";
import { controlNames, ports, underlayAddress } from "./address.ts";
import { natsUrl, packagesHost } from "./control-plane.ts";
import { nkeyFile, tlsFiles } from "./credentials.ts";
import { hostLayout, imageCacheFolder } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { nodeProgram } from "./node-program.ts";
import type { BoxProgram } from "./program-file.ts";
import { programEnvironment } from "./program-environment.ts";
import { underlayLink } from "./underlay.ts";

export interface NodeHost {
  readonly controllers: number;
  /** Capacity, where the host is not the agent's alone. */
  readonly memoryBytes?: number;
  readonly milliCpu?: number;
  readonly cgroupParent: string;
}

/** Writes a host's agent configuration, and says what runs in its box. */
export function nodePrograms(lab: LabLayout, node: string, host: NodeHost): readonly BoxProgram[] {
  const layout = hostLayout(lab, node);
  mkdirSync(imageCacheFolder, { recursive: true });
  const config = agentConfigSchema.parse({
    node,
    labels: { "vfleet.dev/lab": lab.name },
    stateFolder: layout.stateFolder,
    volumesFolder: layout.volumesFolder,
    imageCacheFolder,
    packageProxy: `http://${underlayAddress(packagesHost(host.controllers))}:${ports.packages}`,
    nats: {
      servers: controlNames(host.controllers).map(natsUrl),
      nkeySeedFile: nkeyFile(lab, node),
      tls: tlsFiles(lab, node),
    },
    tls: tlsFiles(lab, node),
    underlay: { address: underlayAddress(node), link: underlayLink, port: ports.agent },
    cgroupParent: host.cgroupParent,
    capacity: { memoryBytes: host.memoryBytes, milliCpu: host.milliCpu },
    programs: { criu: installedPaths().criu },
    failpointFolder: layout.failpointFolder,
  });
  writeFileSync(layout.configFile, `${JSON.stringify(config, undefined, 2)}\n`);
  const agent = nodeProgram("node-agent");
  if (agent === undefined) return [];
  return [
    {
      name: "agent",
      environment: programEnvironment(layout),
      command: [process.execPath, agent, "--config", layout.configFile],
    },
  ];
}
