import { runProgram } from "./program.ts";

/** TEST-NET-2 (RFC 5737), in a network namespace that only the box has. */
export const boxNetwork = {
  gateway: "198.51.100.1/24",
  server: "198.51.100.2",
  serverWithPrefix: "198.51.100.2/24",
  serverMac: "02:76:66:00:00:02",
} as const;

const bridge = "check0";
/** Fixed, because a bridge otherwise takes one of its ports', and neighbours remember the one that it had. */
const bridgeMac = "02:76:66:00:00:01";

export function createBridge(): void {
  ip("link", "set", "lo", "up");
  ip("link", "add", bridge, "address", bridgeMac, "type", "bridge");
  ip("address", "add", boxNetwork.gateway, "dev", bridge);
  ip("link", "set", bridge, "up");
}

/** The host's end of the interface that `attach-network.sh` gave to the container with this first process. */
export function plugIn(containerPid: number): void {
  ip("link", "set", `ck${containerPid}`, "master", bridge, "up");
}

/** May be gone with the container's network already. */
export function unplug(containerPid: number): void {
  runProgram(["ip", "link", "delete", `ck${containerPid}`]);
}

function ip(...args: string[]): void {
  const finished = runProgram(["ip", ...args]);
  if (!finished.ok) throw new Error(`ip ${args.join(" ")}: ${finished.stderr.trim()}`);
}
