import { fileURLToPath } from "node:url";
import type { AgentConfig, Environment, NetworkMap } from "@vfleet/shared";
import { linkIndex } from "../kernel/link-index.ts";
import { sendFrame } from "../kernel/packet-socket.ts";
import { deleteOverlayEntry, joinBridge, replaceBridgeEntry, setBridgePortState } from "../kernel/route-netlink.ts";
import { runProgram, tryProgram } from "../program/run-program.ts";
import { announcementRoundsMs, gratuitousArp } from "./announcement.ts";
import { hostRules, portRules, removalRules } from "./firewall-rules.ts";
import { readLinkStatistics } from "./link-statistics.ts";
import type { LinkStatistics } from "./link-statistics.ts";
import type { NetworkDriver, Port } from "./network-driver.ts";
import {
  bridgePortState,
  bridgeLines,
  forwardingLines,
  forwardingOf,
  noForwarding,
  vxlanName,
} from "./overlay-batch.ts";
import type { Forwarding } from "./overlay-batch.ts";
import { portName } from "./port-name.ts";

const hookScript = fileURLToPath(new URL("attach-port.sh", import.meta.url));

/** veth pairs on a Linux bridge, VXLAN between hosts, nftables at each port. */
export class BridgeNetworkDriver implements NetworkDriver {
  readonly #config: Pick<AgentConfig, "overlay" | "underlay">;
  readonly #environment: Environment;
  #forwarding: Forwarding = noForwarding;
  /** The tables change one at a time. */
  #firewall: Promise<unknown> = Promise.resolve();

  constructor(config: Pick<AgentConfig, "overlay" | "underlay">, environment: Environment) {
    this.#config = config;
    this.#environment = environment;
  }

  async open(): Promise<void> {
    const { overlay, underlay } = this.#config;
    // The tables first: a port that is left from before stays guarded.
    await this.#nft(hostRules(overlay));
    await ipBatch(bridgeLines(overlay, underlay));
    // What the batch could not do shows here: a bridge with its overlay is needed.
    await runProgram(["ip", "link", "set", vxlanName(overlay), "master", overlay.bridge]);
    // Entries of an earlier run of the agent are unknown to this one.
    await runProgram(["bridge", "fdb", "flush", "dev", vxlanName(overlay)]).catch(() => undefined);
  }

  async applyMap(map: NetworkMap): Promise<void> {
    const wanted = forwardingOf(map, this.#config.underlay.address);
    const lines = forwardingLines(this.#forwarding, wanted, vxlanName(this.#config.overlay));
    this.#forwarding = wanted;
    await bridgeBatch(lines);
  }

  prepare(port: Port): Promise<void> {
    return this.#nft(portRules(port));
  }

  hook(port: Port): string[] {
    const { gatewayAddress, prefixLength, mtu } = this.#config.overlay;
    return [
      "/bin/sh",
      hookScript,
      portName(port.uid),
      `${port.address}/${prefixLength}`,
      port.macAddress,
      gatewayAddress,
      String(mtu),
    ];
  }

  async attach(port: Port): Promise<void> {
    const { overlay } = this.#config;
    const name = portName(port.uid);
    joinBridge(name, overlay.bridge);
    setBridgePortState(name, bridgePortState.forwarding);
    replaceBridgeEntry(name, port.macAddress);
    // Neighbours on this host may remember the server behind the overlay.
    deleteOverlayEntry(vxlanName(overlay), port.macAddress);
  }

  async announce(port: Port): Promise<void> {
    const frame = gratuitousArp(port);
    const name = portName(port.uid);
    let sentAtMs = 0;
    for (const atMs of announcementRoundsMs) {
      if (atMs > 0) await this.#environment.sleep(atMs - sentAtMs);
      sentAtMs = atMs;
      // The bridge may have learnt it behind another host, and one that begins anew may be silent until it is spoken to. In the first rounds its
      // port may have no carrier yet.
      if (linkIndex(name) !== undefined) replaceBridgeEntry(name, port.macAddress);
      sendFrame(vxlanName(this.#config.overlay), frame);
    }
  }

  async detach(port: Pick<Port, "uid">): Promise<void> {
    const name = portName(port.uid);
    if (linkIndex(name) === undefined) return;
    // Not down: the server's end would lose its carrier, and a frozen task that listens for such events could not be dumped.
    try {
      setBridgePortState(name, bridgePortState.disabled);
      return;
    } catch {
      // One that has not joined yet has no state there.
    }
    await runProgram(["ip", "link", "set", name, "down", "nomaster"]).catch((thrown: unknown) => {
      // It goes with its container, which may have ended in between.
      if (linkIndex(name) !== undefined) throw thrown;
    });
  }

  remove(port: Pick<Port, "uid">): Promise<void> {
    return this.#remove(portName(port.uid));
  }

  async removeOthers(uids: readonly string[]): Promise<string[]> {
    const wanted = new Set(uids.map(portName));
    const others = [...(await readLinkStatistics()).keys()].filter(
      (name) => /^vs[0-9a-f]{12}$/.test(name) && !wanted.has(name),
    );
    for (const name of others) await this.#remove(name);
    return others;
  }

  async traffic(uids: readonly string[]): Promise<Map<string, LinkStatistics>> {
    const links = await readLinkStatistics();
    const ports = new Map<string, LinkStatistics>();
    for (const uid of uids) {
      const port = links.get(portName(uid));
      // What the host's end received, the server sent.
      if (port !== undefined) ports.set(uid, { receivedBytes: port.sentBytes, sentBytes: port.receivedBytes });
    }
    return ports;
  }

  async #remove(name: string): Promise<void> {
    if (linkIndex(name) !== undefined) await tryProgram(["ip", "link", "delete", name]);
    for (const script of removalRules(name)) await this.#nft(script).catch(() => undefined);
  }

  #nft(script: string): Promise<void> {
    const change = this.#firewall.then(async () => {
      await runProgram(["nft", "-f", "-"], { input: script });
    });
    this.#firewall = change.catch(() => undefined);
    return change;
  }
}

/** Goes on past lines that fail: those of things which are so already. */
async function ipBatch(lines: readonly string[]): Promise<void> {
  await tryProgram(["ip", "-force", "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

async function bridgeBatch(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await tryProgram(["bridge", "-force", "-batch", "-"], { input: `${lines.join("\n")}\n` });
}
