import protobuf from "protobufjs";
import { badRequest, unsupportedMediaType } from "./status.ts";

/**
 * The few bodies that kubectl sends as `application/vnd.kubernetes.protobuf`: `k8s\0`, then a `runtime.Unknown` that
 * names the type and carries it. Field numbers: k8s.io/api and k8s.io/apimachinery, `generated.proto`; members that
 * the API doesn't use are left out, which protobuf allows.
 */
const schema = `
syntax = "proto2";
message TypeMeta { optional string apiVersion = 1; optional string kind = 2; }
message Unknown { optional TypeMeta typeMeta = 1; optional bytes raw = 2; optional string contentEncoding = 3; optional string contentType = 4; }
message ObjectMeta {
  optional string name = 1; optional string generateName = 2; optional string namespace = 3; optional string uid = 5;
  optional string resourceVersion = 6; map<string, string> labels = 11; map<string, string> annotations = 12; repeated string finalizers = 14;
}
message NamespaceSpec { repeated string finalizers = 1; }
message Namespace { optional ObjectMeta metadata = 1; optional NamespaceSpec spec = 2; }
message Preconditions { optional string uid = 1; optional string resourceVersion = 2; }
message DeleteOptions {
  optional int64 gracePeriodSeconds = 1; optional Preconditions preconditions = 2; optional bool orphanDependents = 3;
  optional string propagationPolicy = 4; repeated string dryRun = 5;
}
message ResourceAttributes {
  optional string namespace = 1; optional string verb = 2; optional string group = 3; optional string version = 4;
  optional string resource = 5; optional string subresource = 6; optional string name = 7;
}
message NonResourceAttributes { optional string path = 1; optional string verb = 2; }
message SelfSubjectAccessReviewSpec { optional ResourceAttributes resourceAttributes = 1; optional NonResourceAttributes nonResourceAttributes = 2; }
message SelfSubjectAccessReview { optional ObjectMeta metadata = 1; optional SelfSubjectAccessReviewSpec spec = 2; }
message SelfSubjectRulesReviewSpec { optional string namespace = 1; }
message SelfSubjectRulesReview { optional ObjectMeta metadata = 1; optional SelfSubjectRulesReviewSpec spec = 2; }
message SelfSubjectReview { optional ObjectMeta metadata = 1; }
`;

const magic = Buffer.from("k8s\0", "latin1");
const bodies: readonly string[] = [
  "Namespace",
  "DeleteOptions",
  "SelfSubjectAccessReview",
  "SelfSubjectRulesReview",
  "SelfSubjectReview",
];
const root = protobuf.parse(schema).root;

/** As the same object would be in JSON. Throws 400 for what cannot be read, 415 for other types. */
export function decodeKubernetesProtobuf(body: Buffer): unknown {
  if (!body.subarray(0, magic.length).equals(magic)) throw badRequest("protobuf body does not begin with k8s\\0");
  const unknown = decode("Unknown", body.subarray(magic.length)) as {
    typeMeta?: { apiVersion?: string; kind?: string };
    raw?: Uint8Array;
  }; // by the schema above
  const kind = unknown.typeMeta?.kind ?? "";
  if (!bodies.includes(kind))
    throw unsupportedMediaType(`a body of kind "${kind}" cannot be read as protobuf: send application/json`);
  const object = decode(kind, unknown.raw ?? new Uint8Array()) as object; // by the schema above
  return { apiVersion: unknown.typeMeta?.apiVersion ?? "", kind, ...object };
}

function decode(type: string, bytes: Uint8Array): unknown {
  const message = root.lookupType(type);
  try {
    return withoutEmpty(message.toObject(message.decode(bytes), { longs: Number }));
  } catch (thrown) {
    throw badRequest(`protobuf body cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

/** Go writes every member, empty ones too; in JSON they would be left out. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== "")
      .map(([name, member]): [string, unknown] => [name, withoutEmpty(member)]),
  );
}
