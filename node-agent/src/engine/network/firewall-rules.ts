import type { AgentConfig } from "@vfleet/shared";
import type { Port } from "./network-driver.ts";
import { vxlanName } from "./overlay-batch.ts";
import { portName } from "./port-name.ts";

/** Both tables are the agent's own; nothing else on the host is touched. */
const table = "vfleet";

/**
 * Scripts for `nft -f -`, each one transaction. What the host itself has: every frame from a server goes through its
 * port's chain, and one without a chain is dropped. The gateway has one address on every host, so nothing of it crosses
 * the overlay. Servers open no connection to the host; they answer its own, and ICMP passes.
 */
export function hostRules(overlay: AgentConfig["overlay"]): string {
  const { bridge, gatewayAddress, gatewayMac } = overlay;
  const vxlan = vxlanName(overlay);
  return `
add table bridge ${table}
add map bridge ${table} ports { type ifname : verdict ; }
add chain bridge ${table} arriving { type filter hook prerouting priority -300 ; policy accept ; }
add chain bridge ${table} passing { type filter hook forward priority 0 ; policy accept ; }
add chain bridge ${table} leaving { type filter hook output priority 0 ; policy accept ; }
flush chain bridge ${table} arriving
flush chain bridge ${table} passing
flush chain bridge ${table} leaving
add rule bridge ${table} arriving iifname "vs*" iifname vmap @ports
add rule bridge ${table} arriving iifname "vs*" drop
add rule bridge ${table} arriving iifname "${vxlan}" ether saddr ${gatewayMac} drop
add rule bridge ${table} passing oifname "${vxlan}" ether type arp arp daddr ip ${gatewayAddress} drop
add rule bridge ${table} leaving oifname "${vxlan}" ether saddr ${gatewayMac} drop
add table inet ${table}
add chain inet ${table} arriving { type filter hook input priority 0 ; policy accept ; }
flush chain inet ${table} arriving
add rule inet ${table} arriving iifname "${bridge}" meta l4proto icmp accept
add rule inet ${table} arriving iifname "${bridge}" tcp flags & (syn | ack) != syn accept
add rule inet ${table} arriving iifname "${bridge}" drop
`;
}

/** Only the server's own MAC, ARP sender and address pass; nothing but ARP and IPv4, so no router advertisements either. */
export function portRules(port: Port): string {
  const name = portName(port.uid);
  const rule = `add rule bridge ${table} ${name}`;
  return `
add chain bridge ${table} ${name}
flush chain bridge ${table} ${name}
${rule} ether saddr != ${port.macAddress} drop
${rule} ether type arp arp saddr ether ${port.macAddress} arp saddr ip ${port.address} accept
${rule} ether type ip ip saddr ${port.address} accept
${rule} drop
add element bridge ${table} ports { "${name}" : jump ${name} }
`;
}

/** Each line may fail alone: what isn't there needs no removal. */
export function removalRules(name: string): string[] {
  return [
    `delete element bridge ${table} ports { "${name}" }\n`,
    `flush chain bridge ${table} ${name}\ndelete chain bridge ${table} ${name}\n`,
  ];
}
