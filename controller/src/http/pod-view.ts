import { virtualServerKind, type ServerPhase, type VirtualServer } from "@vfleet/shared";
import type { ObjectStore } from "../store/object-store.ts";
import { badRequest } from "./status.ts";

/** Fields by which `describe node` and its like select. */
const fields: Readonly<Record<string, (pod: Pod) => string>> = {
  "metadata.name": (pod) => pod.metadata.name,
  "metadata.namespace": (pod) => pod.metadata.namespace ?? "",
  "spec.nodeName": (pod) => pod.spec.nodeName ?? "",
  "status.phase": (pod) => pod.status.phase,
};

const podPhases: Readonly<Record<ServerPhase, string>> = {
  Pending: "Pending",
  Starting: "Pending",
  Running: "Running",
  Migrating: "Running",
  Stopping: "Running",
  Suspended: "Succeeded",
  Stopped: "Succeeded",
  Failed: "Failed",
  Unknown: "Unknown",
};

interface Pod {
  metadata: {
    name: string;
    namespace?: string | undefined;
    uid: string;
    creationTimestamp?: string | null | undefined;
    labels: Record<string, string>;
    ownerReferences: object[];
  };
  spec: { nodeName?: string | undefined; containers: object[] };
  status: { phase: string; podIP?: string | undefined; startTime?: string | undefined; containerStatuses: object[] };
}

/** Virtual servers as the core `v1` PodList that `kubectl describe node` reads. Read-only. */
export function podList(
  store: ObjectStore,
  request: { namespace: string | undefined; query: URLSearchParams },
): object {
  const list = store.list(virtualServerKind, {
    namespace: request.namespace,
    labelSelector: request.query.get("labelSelector") ?? undefined,
  });
  const matches = fieldMatcher(request.query.get("fieldSelector") ?? "");
  return {
    kind: "PodList",
    apiVersion: "v1",
    metadata: { resourceVersion: list.resourceVersion },
    items: list.items.map(podOf).filter(matches),
  };
}

function podOf(server: VirtualServer): Pod {
  const { name, namespace, uid, creationTimestamp, labels } = server.metadata;
  const { requests, limits } = server.spec.resources;
  return {
    metadata: {
      name,
      namespace,
      // A new one per placement: to kubectl, a server that moved is the old pod gone and a new one made.
      uid: `${uid ?? ""}-${server.status?.epoch ?? 0}`,
      creationTimestamp,
      labels: labels ?? {},
      ownerReferences: [{ apiVersion: "vfleet.dev/v1", kind: "VirtualServer", name, uid, controller: true }],
    },
    spec: {
      nodeName: server.status?.nodeName,
      containers: [
        {
          name: "server",
          image: server.spec.image,
          resources: {
            requests: { cpu: requests.cpu, memory: requests.memory },
            limits: { ...(limits.cpu === undefined ? {} : { cpu: limits.cpu }), memory: limits.memory },
          },
        },
      ],
    },
    status: {
      phase: podPhases[server.status?.phase ?? "Pending"],
      podIP: server.status?.address,
      startTime: server.status?.startedAt,
      containerStatuses: [],
    },
  };
}

function fieldMatcher(selector: string): (pod: Pod) => boolean {
  const terms = selector
    .split(",")
    .filter((term) => term !== "")
    .map((term) => {
      const match = /^([A-Za-z.]+)(!=|==|=)(.*)$/.exec(term);
      const field = fields[match?.[1] ?? ""];
      if (match === null || field === undefined) throw badRequest(`field label not supported: ${term}`);
      return (pod: Pod) => (field(pod) === match[3]) === (match[2] !== "!=");
    });
  return (pod) => terms.every((term) => term(pod));
}
