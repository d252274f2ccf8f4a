import type { NetworkMap } from "@vfleet/shared";
import type { Port } from "./network-driver.ts";

/** What a host of the network checks is told. Answered with the same `id`. */
export type HostRequest = { id: number } & HostOrder;
export type HostOrder =
  | { do: "open" }
  | { do: "map"; map: NetworkMap }
  | { do: "create" | "attach" | "detach" | "remove"; port: Port }
  | { do: "run"; uid: string; command: readonly string[] }
  | { do: "run-here"; command: readonly string[] };
