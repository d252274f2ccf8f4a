import { agentConfigSchema } from "@vfleet/shared";
import { clientHost, underlayAddress } from "./address.ts";
import { run } from "./run.ts";
import { ipBatch, underlayLink } from "./underlay.ts";

/** The client's own address on the overlay; the controller gives none of its /24 away. */
export const clientOverlayAddress = "10.200.255.1";
const vxlanLink = "vxlan0";
const bridgeMac = "02:76:66:ff:00:01";
const everyMac = "00:00:00:00:00:00";

/** What agents are told of the overlay when nothing is said: the client must agree. */
const overlay = agentConfigSchema.shape.overlay.parse(undefined);

/** ip(8) batch that attaches the client to the overlay. It has no agent: it floods, and learns where a server is from what it hears. */
export function overlayCommands(): string {
  const { bridge, vxlanId, vxlanPort, prefixLength, mtu } = overlay;
  return [
    `link add ${bridge} address ${bridgeMac} mtu ${mtu} type bridge forward_delay 0 mcast_snooping 0`,
    `link add ${vxlanLink} mtu ${mtu} type vxlan id ${vxlanId} dev ${underlayLink} local ${underlayAddress(clientHost)} dstport ${vxlanPort} learning`,
    `link set ${vxlanLink} master ${bridge} up`,
    `addr add ${clientOverlayAddress}/${prefixLength} dev ${bridge}`,
    `link set ${bridge} up`,
    "",
  ].join("\n");
}

export async function attachClient(clientPid: number, nodes: readonly string[]): Promise<void> {
  await ipBatch(clientPid, overlayCommands());
  await floodTo(clientPid, nodes);
}

/** Lets what has no known place go to these nodes too. Repeating it changes nothing. */
export async function floodTo(clientPid: number, nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    const entry = ["fdb", "append", everyMac, "dev", vxlanLink, "dst", underlayAddress(node)];
    // Fails where the entry stands already; a missing device would have failed before.
    await run(["nsenter", "--target", String(clientPid), "--net", "--", "bridge", ...entry]);
  }
}
