import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { controllerConfigSchema } from "@vfleet/shared";
import { installedPaths } from "../install/where.ts";
import { clientHost, controlHost, nodeNames, ports, underlayAddress } from "./address.ts";
import { nkeyFile, nkeyOf, tlsFiles, tokensFile } from "./credentials.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { natsConfig } from "./nats-config.ts";
import { nodeProgram } from "./node-program.ts";
import type { BoxProgram } from "./program-file.ts";
import { programEnvironment } from "./program-environment.ts";

/** Writes the configuration of NATS and the controller, and says what runs in the control box. */
export function controlPrograms(lab: LabLayout, hosts: number): readonly BoxProgram[] {
  const layout = hostLayout(lab, controlHost);
  const address = underlayAddress(controlHost);
  const environment = programEnvironment(layout);
  // A socket's file outlives the one who listened, and would be in the way of the next.
  rmSync(lab.apiSocket, { force: true });
  const controller = nodeProgram("controller");
  writeNatsConfig(lab, hosts);
  writeFileSync(layout.configFile, `${JSON.stringify(controllerConfig(lab), undefined, 2)}\n`);
  return [
    { name: "nats", environment, command: [installedPaths().natsServer, "--config", natsConfigFile(lab)] },
    {
      name: "redis",
      environment,
      command: [
        "redis-server",
        "--bind",
        "127.0.0.1",
        "--port",
        String(ports.redis),
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        layout.stateFolder,
      ],
    },
    {
      name: "packages",
      environment,
      command: [
        "socat",
        `TCP-LISTEN:${ports.packages},bind=${address},fork,reuseaddr`,
        `UNIX-CONNECT:${lab.packageSocket}`,
      ],
    },
    ...(controller === undefined
      ? []
      : [{ name: "controller", environment, command: [process.execPath, controller, "--config", layout.configFile] }]),
  ];
}

/** Nodes come in when a lab grows: NATS reads the file again on SIGHUP. Says whether the file changed. */
export function writeNatsConfig(lab: LabLayout, hosts: number): boolean {
  const file = natsConfigFile(lab);
  const text = natsConfig({
    address: underlayAddress(controlHost),
    port: ports.nats,
    storeFolder: `${hostLayout(lab, controlHost).stateFolder}/jetstream`,
    tls: tlsFiles(lab, "nats"),
    controllerKey: nkeyOf(lab, "controller"),
    nodeKeys: new Map(nodeNames(hosts).map((node) => [node, nkeyOf(lab, node)])),
  });
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  writeFileSync(file, text);
  return true;
}

function natsConfigFile(lab: LabLayout): string {
  return `${hostLayout(lab, controlHost).folder}/nats.json`;
}

export function natsUrl(): string {
  return `tls://${underlayAddress(controlHost)}:${ports.nats}`;
}

function controllerConfig(lab: LabLayout) {
  return controllerConfigSchema.parse({
    listen: { host: underlayAddress(controlHost), port: ports.api, socket: lab.apiSocket },
    tls: tlsFiles(lab, "api"),
    agentTls: tlsFiles(lab, "controller"),
    nats: { servers: [natsUrl()], nkeySeedFile: nkeyFile(lab, "controller"), tls: tlsFiles(lab, "controller") },
    redis: { url: `redis://127.0.0.1:${ports.redis}` },
    tokensFile: tokensFile(lab),
    overlay: { gateways: [{ name: clientHost, address: underlayAddress(clientHost) }] },
  });
}
