import { LabError } from "./lab-error.ts";

/** The underlay: every lab has the same one, in a network namespace of its own. */
export const underlayPrefixLength = 24;
export const clientHost = "client";
export const maxHosts = 200;
export const ports = {
  nats: 4222,
  natsRoutes: 6222,
  health: 6444,
  redis: 6379,
  api: 6443,
  agent: 7443,
  packages: 3142,
} as const;

/** What there is of each kind of host. */
export interface LabShape {
  readonly hosts: number;
  readonly controllers: number;
}

/** One, or as many as can lose one. */
export const controllerCounts: readonly number[] = [1, 3];
const aloneAddress = "10.99.0.2";
const controlAddresses: readonly string[] = [aloneAddress, "10.99.0.4", "10.99.0.5"];
const controlPattern = /^control-([1-3])$/;
const firstNodeAddress = 11;
const nodePattern = /^host-([1-9][0-9]{0,2})$/;

function nodeName(number: number): string {
  return `host-${number}`;
}

export function nodeNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => nodeName(index + 1));
}

/** `control`, or `control-1` and so on where there are several. */
export function controlNames(controllers: number): readonly string[] {
  return controllers === 1
    ? ["control"]
    : controlAddresses.slice(0, controllers).map((_, index) => `control-${index + 1}`);
}

/** Every box of a lab, in the order they start. */
export function boxNames({ hosts, controllers }: LabShape): readonly string[] {
  return [...controlNames(controllers), clientHost, ...nodeNames(hosts)];
}

/** Every box that any lab can have. */
export function everyBoxName(): readonly string[] {
  return [...controllerCounts.flatMap(controlNames), clientHost, ...nodeNames(maxHosts)];
}

export function isControl(host: string): boolean {
  return host === "control" || controlPattern.test(host);
}

export function isNode(host: string): boolean {
  return nodePattern.test(host);
}

/** IPv4 of a box on the underlay. */
export function underlayAddress(host: string): string {
  if (isControl(host)) return controlAddresses[Number(controlPattern.exec(host)?.[1] ?? 1) - 1] ?? aloneAddress;
  if (host === clientHost) return "10.99.0.3";
  const number = Number(nodePattern.exec(host)?.[1] ?? Number.NaN);
  if (!(number <= maxHosts)) {
    throw new LabError(
      "host-unknown",
      `"${host}" is not a host's name`,
      `Use control, control-1 to control-3, client or host-1 to host-${maxHosts}`,
    );
  }
  return `10.99.0.${firstNodeAddress + number - 1}`;
}

/** MAC of a box on the underlay: fixed, so that a crash and a boot leave no stale neighbours. */
export function underlayMac(host: string): string {
  const last = Number(underlayAddress(host).split(".")[3]);
  return `02:76:66:63:00:${last.toString(16).padStart(2, "0")}`;
}
