import { nodeKind, type ApiObject, type Kind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { listJson, representationOf } from "./representation.ts";

const tableAccept =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
const kind = nodeKind as unknown as Kind;
const node: ApiObject = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "host-1", creationTimestamp: "2026-01-01T00:00:00Z", labels: { a: "b" } },
  spec: {},
};

describe("form of an answer", () => {
  test.each([
    [undefined, "Object"],
    ["application/json", "Object"],
    ["application/vnd.kubernetes.protobuf,application/json", "Object"],
    [tableAccept, "Table"],
    ["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "PartialObjectMetadata"],
    ["*/*", "Object"],
  ])("for %s is %s", (accept, as) => {
    expect(representationOf(accept, new URLSearchParams()).as).toBe(as);
  });

  test("is refused where nothing fits", () => {
    expect(() => representationOf("application/cbor", new URLSearchParams())).toThrow(
      expect.objectContaining({ code: 406 }),
    );
  });

  test("as a table has ages and the metadata that kubectl prints beside the cells", () => {
    const representation = representationOf(tableAccept, new URLSearchParams());
    const nowMs = Date.parse("2026-01-01T00:05:30Z");
    const table = JSON.parse(
      listJson(kind, { items: [node], metadata: { resourceVersion: "5" } }, { representation, nowMs }),
    ) as Record<string, unknown>;
    expect(table).toMatchObject({
      kind: "Table",
      metadata: { resourceVersion: "5" },
      rows: [
        {
          cells: ["host-1", "NotReady", "5m30s", "<unknown>", "<none>", "<unknown>", "<unknown>", "<unknown>"],
          object: { kind: "PartialObjectMetadata", metadata: { labels: { a: "b" } } },
        },
      ],
    });
  });
});
