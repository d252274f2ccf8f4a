import { LabError } from "./lab-error.ts";

/** The underlay: every lab has the same one, in a network namespace of its own. */
export const underlayPrefixLength = 24;
export const controlHost = "control";
export const clientHost = "client";
export const maxHosts = 200;
export const ports = { nats: 4222, redis: 6379, api: 6443, agent: 7443, packages: 3142 } as const;

const firstNodeAddress = 11;
const nodePattern = /^host-([1-9][0-9]{0,2})$/;

function nodeName(number: number): string {
  return `host-${number}`;
}

export function nodeNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => nodeName(index + 1));
}

/** Every box of a lab with so many hosts, in the order they start. */
export function boxNames(hosts: number): readonly string[] {
  return [controlHost, clientHost, ...nodeNames(hosts)];
}

export function isNode(host: string): boolean {
  return nodePattern.test(host);
}

/** IPv4 of a box on the underlay. */
export function underlayAddress(host: string): string {
  if (host === controlHost) return "10.99.0.2";
  if (host === clientHost) return "10.99.0.3";
  const number = Number(nodePattern.exec(host)?.[1] ?? Number.NaN);
  if (!(number <= maxHosts)) {
    throw new LabError(
      "host-unknown",
      `"${host}" is not a host's name`,
      `Use control, client or host-1 to host-${maxHosts}`,
    );
  }
  return `10.99.0.${firstNodeAddress + number - 1}`;
}

/** MAC of a box on the underlay: fixed, so that a crash and a boot leave no stale neighbours. */
export function underlayMac(host: string): string {
  const last = Number(underlayAddress(host).split(".")[3]);
  return `02:76:66:63:00:${last.toString(16).padStart(2, "0")}`;
}
