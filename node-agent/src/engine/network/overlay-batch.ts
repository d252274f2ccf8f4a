import type { AgentConfig, NetworkMap } from "@vfleet/shared";

type Overlay = AgentConfig["overlay"];
type Underlay = AgentConfig["underlay"];

export function vxlanName(overlay: Pick<Overlay, "vxlanId">): string {
  return `vx${overlay.vxlanId}`;
}

/** Destination of what has no entry of its own, and of broadcasts (ip-link(8), vxlan). */
const everyone = "00:00:00:00:00:00";

/**
 * Lines for `ip -force -batch -`; those of things that exist already fail and change nothing. The bridge has a MAC of its
 * own: otherwise it takes the lowest of its ports and changes as they come and go. VXLAN learns: a server's announcement
 * after its move corrects the entry on every host before the controller's map does.
 */
export function bridgeLines(overlay: Overlay, underlay: Underlay): string[] {
  const { bridge, vxlanId, vxlanPort, gatewayAddress, gatewayMac, prefixLength, mtu } = overlay;
  const vxlan = vxlanName(overlay);
  return [
    `link add ${bridge} address ${gatewayMac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link add ${vxlan} type vxlan id ${vxlanId} local ${underlay.address} dev ${underlay.link} dstport ${vxlanPort} learning ageing 0`,
    `link set ${bridge} address ${gatewayMac} mtu ${mtu} addrgenmode none`,
    `link set ${vxlan} mtu ${mtu} addrgenmode none master ${bridge}`,
    `address add ${gatewayAddress}/${prefixLength} dev ${bridge}`,
    `link set ${vxlan} up`,
    `link set ${bridge} up`,
  ];
}

/** What is programmed: only changes against it are sent, so that what was learned since isn't undone. */
export interface Forwarding {
  peers: ReadonlySet<string>;
  /** MAC -> underlay address of its host. */
  servers: ReadonlyMap<string, string>;
}

export const noForwarding: Forwarding = { peers: new Set(), servers: new Map() };

/** The map without this host itself. */
export function forwardingOf(map: NetworkMap, ownAddress: string): Forwarding {
  return {
    peers: new Set(Object.values(map.peers).filter((address) => address !== ownAddress)),
    servers: new Map(Object.entries(map.servers).filter(([, peer]) => peer !== ownAddress)),
  };
}

/** Lines for `bridge -force -batch -` that turn one forwarding into another. */
export function forwardingLines(from: Forwarding, to: Forwarding, vxlan: string): string[] {
  const lines: string[] = [];
  for (const peer of from.peers) {
    if (!to.peers.has(peer)) lines.push(`fdb del ${everyone} dev ${vxlan} dst ${peer} self`);
  }
  for (const peer of to.peers) {
    if (!from.peers.has(peer)) lines.push(`fdb append ${everyone} dev ${vxlan} dst ${peer} self permanent`);
  }
  for (const [mac, peer] of from.servers) {
    if (!to.servers.has(mac)) lines.push(`fdb del ${mac} dev ${vxlan} dst ${peer} self`);
  }
  for (const [mac, peer] of to.servers) {
    if (from.servers.get(mac) !== peer) lines.push(`fdb replace ${mac} dev ${vxlan} dst ${peer} self dynamic`);
  }
  return lines;
}

/** Of bridge(8). A disabled port lets nothing through, yet its link stays up. */
export const bridgePortState = { disabled: 0, forwarding: 3 } as const;
