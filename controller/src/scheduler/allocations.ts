import type { VirtualServerStatus } from "@vfleet/shared";

/** What of a server is nobody else's. */
export interface Allocated {
  address?: VirtualServerStatus["address"];
  idBlockStart?: VirtualServerStatus["idBlockStart"];
  /** Asked for by name, though it may not have it yet. */
  wantedAddress?: string | undefined;
}

/** Whose which address and block of ids is. */
export class Allocations {
  readonly #byServer = new Map<string, Allocated>();
  readonly #addresses = new Map<string, Set<string>>();
  readonly #wanted = new Map<string, Set<string>>();
  readonly #idBlocks = new Map<number, Set<string>>();

  /** All that a server has from now on; nothing: it is gone. */
  set(server: string, allocated: Allocated): void {
    const before = this.#byServer.get(server);
    if (before !== undefined) this.#change(server, before, removeFrom);
    this.#byServer.set(server, allocated);
    this.#change(server, allocated, addTo);
    if (Object.values(allocated).every((value) => value === undefined)) this.#byServer.delete(server);
  }

  /** Another server that has the address. */
  holderOf(address: string, except: string): string | undefined {
    return otherOf(this.#addresses.get(address), except);
  }

  /** Addresses that others have or ask for: what is asked for is left for who asks, though it may get it only if it is placed first. */
  addressesFor(server: string): { has(address: string): boolean } {
    const isOthers = (held: Map<string, Set<string>>, address: string) =>
      otherOf(held.get(address), server) !== undefined;
    return { has: (address) => isOthers(this.#addresses, address) || isOthers(this.#wanted, address) };
  }

  idBlocksFor(server: string): { has(start: number): boolean } {
    return { has: (start) => otherOf(this.#idBlocks.get(start), server) !== undefined };
  }

  #change(
    server: string,
    { address, idBlockStart, wantedAddress }: Allocated,
    change: <K>(held: Map<K, Set<string>>, key: K | undefined, server: string) => void,
  ): void {
    change(this.#addresses, address, server);
    change(this.#idBlocks, idBlockStart, server);
    change(this.#wanted, wantedAddress, server);
  }
}

function addTo<K>(held: Map<K, Set<string>>, key: K | undefined, server: string): void {
  if (key === undefined) return;
  const servers = held.get(key);
  if (servers === undefined) held.set(key, new Set([server]));
  else servers.add(server);
}

function removeFrom<K>(held: Map<K, Set<string>>, key: K | undefined, server: string): void {
  if (key === undefined) return;
  const servers = held.get(key);
  servers?.delete(server);
  if (servers?.size === 0) held.delete(key);
}

function otherOf(servers: ReadonlySet<string> | undefined, except: string): string | undefined {
  for (const server of servers ?? []) if (server !== except) return server;
  return undefined;
}
