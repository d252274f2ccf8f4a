import { isDeepStrictEqual } from "node:util";
import type { Image, Node, NodeReport, ServerReport, VirtualServer } from "@vfleet/shared";
import type { StoreEvent } from "../store/object-store.ts";

/** Whether servers can be made of it; not who holds it. */
export function isUseChanged({ status, metadata }: Image, previous: Image | undefined): boolean {
  return (
    status?.phase !== previous?.status?.phase ||
    status?.digest !== previous?.status?.digest ||
    status?.message !== previous?.status?.message ||
    metadata.uid !== previous?.metadata.uid ||
    metadata.deletionTimestamp !== previous?.metadata.deletionTimestamp
  );
}

/** What a Node is made of. */
export function isSameHost(report: NodeReport, previous: NodeReport): boolean {
  const hostOf = ({
    servers: _servers,
    assignmentRevision: _revision,
    checkpoints: _checkpoints,
    ...host
  }: NodeReport) => JSON.stringify({ ...host, restores: [] });
  return hostOf(report) === hostOf(previous);
}

/** New, gone, or spoken of otherwise than before. */
export function changedServers(report: NodeReport, previous: NodeReport | undefined): ServerReport[] {
  const before = new Map(previous?.servers.map((server) => [server.uid, server]));
  const changed = report.servers.filter((server) => {
    const known = before.get(server.uid);
    before.delete(server.uid);
    return known === undefined || !isDeepStrictEqual(known, server);
  });
  return [...changed, ...before.values()];
}

/** Few servers are suspended, or were, or have gone with what they were suspended as. */
export function isSuspensionConcerned({ type, object, previous }: StoreEvent): boolean {
  const [now, before] = [object as VirtualServer, previous as VirtualServer | undefined];
  if (now.status?.suspended !== undefined || now.spec?.runStrategy === "Suspended") return true;
  return type !== "DELETED" && before !== undefined && before.spec.runStrategy !== now.spec.runStrategy;
}

/** All else is as it was. */
export function isHeartbeatOnly(node: Node, previous: Node): boolean {
  const told = ({ spec, status, metadata: { labels, deletionTimestamp } }: Node) => {
    const { lastHeartbeatMs: _lastHeartbeatMs, ...fleet } = status?.fleet ?? {};
    return { spec, labels, deletionTimestamp, status: { ...status, fleet } };
  };
  return isDeepStrictEqual(told(node), told(previous));
}

/** Where other nodes fetch images from. */
export function isEndpointChanged(node: Node, previous: Node | undefined): boolean {
  return node.status?.fleet?.agentEndpoint !== previous?.status?.fleet?.agentEndpoint;
}

/** What the node of a server may be told of it: all but what that has said itself. */
export function isToldChanged(server: VirtualServer, previous: VirtualServer | undefined): boolean {
  return previous === undefined || !isDeepStrictEqual(toldOf(server), toldOf(previous));
}

function toldOf({ spec, metadata, status = {} }: VirtualServer): object {
  const { resourceVersion: _version, ...named } = metadata;
  const {
    phase: _phase,
    conditions: _conditions,
    reason: _reason,
    message: _message,
    restarts: _restarts,
    startedAt: _startedAt,
    observedGeneration: _observedGeneration,
    ...told
  } = status;
  return { spec, named, told };
}
