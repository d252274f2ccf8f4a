import type { Node, VirtualServer } from "@vfleet/shared";
import { nodeKind, virtualServerKind } from "@vfleet/shared";
import type { Ownership } from "../ownership/ownership.ts";
import type { StoreEvent } from "../store/object-store.ts";
import type { NetworkPush } from "./network-push.ts";

export interface NetworkWatchOptions {
  ownership: Pick<Ownership, "get" | "ownedBy">;
  push: Pick<NetworkPush, "set" | "setUrgently">;
  /** Hosts on the overlay without an agent. */
  gateways: readonly { name: string; address: string }[];
}

/** Finds in each change of the fleet what it changes of the network map: every server's MAC is behind the underlay address of the host that owns it. */
export class NetworkWatch {
  readonly #options: NetworkWatchOptions;
  readonly #macAddresses = new Map<string, string>();
  readonly #underlay = new Map<string, string>();

  constructor(options: NetworkWatchOptions) {
    this.#options = options;
    for (const { name, address } of options.gateways) options.push.set("peers", name, address);
  }

  onStored({ type, object }: StoreEvent): void {
    if (object.kind === virtualServerKind.kind) this.#onServer(object as VirtualServer, type === "DELETED");
    else if (object.kind === nodeKind.kind) this.#onNode(object as Node, type === "DELETED");
  }

  onOwnership(uid: string): void {
    const operation = this.#options.ownership.get(uid)?.operation;
    this.#place(uid, operation?.state === "committed");
  }

  #onServer({ metadata: { uid = "" }, status }: VirtualServer, isGone: boolean): void {
    const macAddress = isGone ? undefined : status?.macAddress;
    const before = this.#macAddresses.get(uid);
    if (before === macAddress) return;
    if (before !== undefined) this.#options.push.set("servers", before, undefined);
    if (macAddress === undefined) this.#macAddresses.delete(uid);
    else this.#macAddresses.set(uid, macAddress);
    this.#place(uid, false);
  }

  #onNode({ metadata: { name }, status }: Node, isGone: boolean): void {
    const told = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
    const address = isGone ? undefined : told;
    if (this.#underlay.get(name) === address) return;
    if (address === undefined) this.#underlay.delete(name);
    else this.#underlay.set(name, address);
    this.#options.push.set("peers", name, address);
    for (const uid of this.#options.ownership.ownedBy(name)) this.#place(uid, false);
  }

  #place(uid: string, isUrgent: boolean): void {
    const { ownership, push } = this.#options;
    const macAddress = this.#macAddresses.get(uid);
    if (macAddress === undefined) return;
    const address = this.#underlay.get(ownership.get(uid)?.node ?? "");
    if (isUrgent) push.setUrgently("servers", macAddress, address);
    else push.set("servers", macAddress, address);
  }
}
