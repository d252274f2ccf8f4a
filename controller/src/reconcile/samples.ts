import type { DisruptionBudget, Drain, Migration, Node, VirtualServer } from "@vfleet/shared";
import { disruptionBudgetKind, drainKind, migrationKind, nodeKind, virtualServerKind } from "@vfleet/shared";

/** Objects for the tests of the pure machines, valid by their schemas, with what each test names on top. */
export function sampleServer(
  name: string,
  changes: { spec?: object; status?: VirtualServer["status"]; metadata?: object } = {},
): VirtualServer {
  return virtualServerKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      generation: 1,
      finalizers: ["vfleet.dev/release"],
      ...changes.metadata,
    },
    spec: { image: "debian", ...changes.spec },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  });
}

/** On a node, with all that was allocated for it. */
export function placedStatus(
  node: string,
  changes: VirtualServer["status"] = {},
): NonNullable<VirtualServer["status"]> {
  return {
    phase: "Running",
    nodeName: node,
    epoch: 1,
    address: "10.200.0.2",
    macAddress: "02:76:0a:c8:00:02",
    idBlockStart: 1_000_000_000,
    imageDigest: "sha256:d",
    ...changes,
  };
}

export function sampleNode(name: string, changes: { spec?: object; status?: Node["status"] } = {}): Node {
  return nodeKind.schema.parse({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid: `uid-${name}` },
    spec: changes.spec ?? {},
    status: {
      allocatable: { cpu: "4", memory: "8Gi", pods: "100" },
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: `10.0.0.${name.replaceAll(/\D/g, "")}` }],
      fleet: { agentEndpoint: `10.0.0.${name.replaceAll(/\D/g, "")}:7443`, criuVersion: "4.2.1", runcVersion: "1.1.5" },
      ...changes.status,
    },
  });
}

export function sampleMigration(
  name: string,
  changes: { spec?: object; status?: Migration["status"]; metadata?: object } = {},
): Migration {
  return migrationKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Migration",
    metadata: { name, namespace: "default", uid: `uid-${name}`, ...changes.metadata },
    spec: { server: "web", ...changes.spec },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  });
}

export function sampleDrain(changes: { spec?: object; status?: Drain["status"]; metadata?: object } = {}): Drain {
  return drainKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Drain",
    metadata: { name: "drain", uid: "uid-drain", ...changes.metadata },
    spec: { node: "host-1", ...changes.spec },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  });
}

export function sampleBudget(name: string, spec: object): DisruptionBudget {
  return disruptionBudgetKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "DisruptionBudget",
    metadata: { name, namespace: "default", uid: `uid-${name}`, generation: 1 },
    spec: { selector: {}, ...spec },
  });
}
