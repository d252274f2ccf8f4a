import { nodeKind, virtualServerKind, type ApiObject, type Kind } from "@vfleet/shared";
import { listOptionsOf } from "./resource-read.ts";
import { keyOf, type ResourceParts, type ResourceRequest } from "./resource-request.ts";
import { notFound, unavailable } from "./status.ts";
import type { TelemetryReader, UsageSample } from "./telemetry-reader.ts";

interface Shape {
  apiVersion: string;
  kind: string;
  of: Kind;
  samples: (reader: TelemetryReader) => Promise<ReadonlyMap<string, UsageSample>>;
  sampleKey: (object: ApiObject) => string;
}

/** `metrics.k8s.io` NodeMetrics, and the same for virtual servers in the fleet's own group. */
export const usageShapes: Readonly<Record<"nodes" | "servers", Shape>> = {
  nodes: {
    apiVersion: "metrics.k8s.io/v1beta1",
    kind: "NodeMetrics",
    of: nodeKind as unknown as Kind, // used by the store as a key only
    samples: (reader) => reader.nodes(),
    sampleKey: (object) => object.metadata.name,
  },
  servers: {
    apiVersion: "metrics.vfleet.dev/v1",
    kind: "VirtualServerMetrics",
    of: virtualServerKind as unknown as Kind, // as above
    samples: (reader) => reader.servers(),
    sampleKey: (object) => `${object.metadata.namespace ?? ""}/${object.metadata.name}`,
  },
};

/** One, or the list that the selectors pick. Objects without a recent sample are left out. */
export async function usageAnswer(
  shape: Shape,
  parts: ResourceParts & { telemetry: TelemetryReader | undefined },
  request: Pick<ResourceRequest, "namespace" | "name" | "query">,
): Promise<object> {
  if (parts.telemetry === undefined) throw unavailable("metrics are not available: this controller has no telemetry");
  const samples = await shape.samples(parts.telemetry).catch((thrown: unknown) => {
    parts.log.warn({ error: String(thrown) }, "telemetry not readable");
    throw unavailable("metrics are not available: the telemetry store cannot be read");
  });
  const full: ResourceRequest = {
    ...request,
    kind: shape.of,
    subresource: undefined,
    user: { name: "", groups: [] },
    body: undefined,
    contentType: undefined,
    accept: undefined,
  };
  if (request.name !== undefined) {
    const object = parts.store.read(shape.of, keyOf(full));
    const sample = samples.get(shape.sampleKey(object));
    if (sample === undefined)
      throw notFound(`${shape.kind} "${object.metadata.name}" not found: there is no recent sample`);
    return { kind: shape.kind, apiVersion: shape.apiVersion, ...metricsOf(object, sample) };
  }
  const list = parts.store.list(shape.of, { ...listOptionsOf(full), limit: undefined, continue: undefined });
  const items = list.items.flatMap((object) => {
    const sample = samples.get(shape.sampleKey(object));
    return sample === undefined ? [] : [metricsOf(object, sample)];
  });
  return { kind: `${shape.kind}List`, apiVersion: shape.apiVersion, metadata: {}, items };
}

function metricsOf(object: ApiObject, sample: UsageSample): object {
  const timestamp = new Date(sample.atMs).toISOString();
  const { name, namespace, labels } = object.metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: timestamp,
      labels: labels ?? {},
    },
    timestamp,
    window: `${(sample.windowMs / 1000).toFixed(1)}s`,
    usage: { cpu: `${Math.ceil(sample.milliCpu)}m`, memory: `${Math.ceil(sample.memoryBytes / 1024)}Ki` },
    ...(sample.pressure === undefined ? {} : { pressure: sample.pressure }),
  };
}
