import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { controllerConfigSchema } from "@vfleet/shared";
import { installedPaths } from "../install/where.ts";
import { clientHost, controlNames, nodeNames, ports, underlayAddress, type LabShape } from "./address.ts";
import { nkeyFile, nkeyOf, routesPassword, tlsFiles, tokensFile } from "./credentials.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { natsConfig } from "./nats-config.ts";
import { nodeProgram } from "./node-program.ts";
import type { BoxProgram } from "./program-file.ts";
import { programEnvironment } from "./program-environment.ts";

/** Writes the configuration of NATS and the controller, and says what runs in a control box. */
export function controlPrograms(lab: LabLayout, host: string, shape: LabShape): readonly BoxProgram[] {
  const layout = hostLayout(lab, host);
  const address = underlayAddress(host);
  const environment = programEnvironment(layout);
  // A socket's file outlives the one who listened, and would be in the way of the next.
  rmSync(controllerSocket(lab, host), { force: true });
  const controller = nodeProgram("controller");
  writeNatsConfig(lab, host, shape);
  writeFileSync(layout.configFile, `${JSON.stringify(controllerConfig(lab, host, shape), undefined, 2)}\n`);
  return [
    { name: "nats", environment, command: [installedPaths().natsServer, "--config", natsConfigFile(lab, host)] },
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
    ...(host === packagesHost(shape.controllers)
      ? [
          {
            name: "packages",
            environment,
            command: [
              "socat",
              `TCP-LISTEN:${ports.packages},bind=${address},fork,reuseaddr`,
              `UNIX-CONNECT:${lab.packageSocket}`,
            ],
          },
        ]
      : []),
    ...(controller === undefined
      ? []
      : [{ name: "controller", environment, command: [process.execPath, controller, "--config", layout.configFile] }]),
  ];
}

/** Nodes come in when a lab grows: NATS reads the file again on SIGHUP. Says whether the file changed. */
export function writeNatsConfig(lab: LabLayout, host: string, { hosts, controllers }: LabShape): boolean {
  const file = natsConfigFile(lab, host);
  const members = controlNames(controllers).map(underlayAddress);
  const text = natsConfig({
    name: host,
    address: underlayAddress(host),
    port: ports.nats,
    storeFolder: `${hostLayout(lab, host).stateFolder}/jetstream`,
    tls: tlsFiles(lab, "nats"),
    controllerKey: nkeyOf(lab, "controller"),
    nodeKeys: new Map(nodeNames(hosts).map((node) => [node, nkeyOf(lab, node)])),
    ...(controllers === 1 ? {} : { cluster: { port: ports.natsRoutes, members, password: routesPassword(lab) } }),
  });
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  writeFileSync(file, text, { mode: 0o600 });
  return true;
}

function natsConfigFile(lab: LabLayout, host: string): string {
  return `${hostLayout(lab, host).folder}/nats.json`;
}

export function natsUrl(host: string): string {
  return `tls://${underlayAddress(host)}:${ports.nats}`;
}

/** Where image builds reach packages; nothing but a new image needs it. */
export function packagesHost(controllers: number): string {
  return controlNames(controllers)[0] ?? "control";
}

/** Of one controller's API, while it leads. A lab with one has it where clients look for it. */
export function controllerSocket(lab: LabLayout, host: string): string {
  return `${hostLayout(lab, host).folder}/api.sock`;
}

function controllerConfig(lab: LabLayout, host: string, { controllers }: LabShape) {
  const address = underlayAddress(host);
  const members = controlNames(controllers);
  // Its own NATS server first: where a host is lost, that is one thing that is lost to each.
  const near = [host, ...members.filter((member) => member !== host)];
  return controllerConfigSchema.parse({
    listen: { host: address, port: ports.api, socket: controllerSocket(lab, host) },
    tls: tlsFiles(lab, "api"),
    agentTls: tlsFiles(lab, "controller"),
    nats: {
      servers: near.map(natsUrl),
      replicas: controllers,
      nkeySeedFile: nkeyFile(lab, "controller"),
      tls: tlsFiles(lab, "controller"),
    },
    ...(controllers === 1 ? {} : { leadership: { member: host, members } }),
    health: { host: address, port: ports.health },
    redis: { url: `redis://127.0.0.1:${ports.redis}` },
    tokensFile: tokensFile(lab),
    // Short, so that a failover can be watched.
    failover: { leaseMs: 8000, graceMs: 4000 },
    overlay: { gateways: [{ name: clientHost, address: underlayAddress(clientHost) }] },
  });
}
