import type { NetworkMap } from "@vfleet/shared";
import type { LinkStatistics } from "./link-statistics.ts";

/** A server's place on the network, the same on whatever host. */
export interface Port {
  uid: string;
  address: string;
  macAddress: string;
}

/**
 * Connects servers to each other and to the overlay. A port's life: `prepare` (rules stand, nothing is connected), the
 * container is created or restored with `hook`, `attach` (the port joins), `detach` (off the network, namespace and
 * sockets stay), `attach` again or `remove`. Repeating a step changes nothing.
 */
export interface NetworkDriver {
  /** Makes the host's part: bridge, overlay link, host rules. Ports that exist stay. Before anything else. */
  open(): Promise<void>;
  /** Brings forwarding in line with where servers and peers are. */
  applyMap(map: NetworkMap): Promise<void>;
  /** Installs the port's rules: only its own MAC and addresses pass. Must be done before `attach`. */
  prepare(port: Port): Promise<void>;
  /** Program with arguments that the runtime runs as OCI hook: makes the interface inside the container. */
  hook(port: Port): string[];
  /** From now on the server is reached, and heard. */
  attach(port: Port): Promise<void>;
  /** Tells everyone where the server is, five times within 550 ms. */
  announce(port: Port): Promise<void>;
  /** Nobody is answered any more, not even ARP. */
  detach(port: Pick<Port, "uid">): Promise<void>;
  /** Takes port and rules away. */
  remove(port: Pick<Port, "uid">): Promise<void>;
  /** Ports without one of these servers are removed: leftovers of a crash. Returns their names. */
  removeOthers(uids: readonly string[]): Promise<string[]>;
  /** Bytes since the port exists, as the server sees it: what it received, what it sent. */
  traffic(uids: readonly string[]): Promise<Map<string, LinkStatistics>>;
}
