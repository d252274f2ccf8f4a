import { expect, test } from "vitest";
import { decodeKubernetesProtobuf } from "./kubernetes-protobuf.ts";

/** `kubectl create namespace team` (1.32), as sent. */
const createNamespace = Buffer.concat([
  Buffer.from("k8s\0"),
  Buffer.from([0x0a, 0x0f, 0x0a, 0x02]),
  Buffer.from("v1"),
  Buffer.from([0x12, 0x09]),
  Buffer.from("Namespace"),
  Buffer.from([0x12, 0x1a, 0x0a, 0x14, 0x0a, 0x04]),
  Buffer.from("team"),
  Buffer.from([
    0x12, 0x00, 0x1a, 0x00, 0x22, 0x00, 0x2a, 0x00, 0x32, 0x00, 0x38, 0x00, 0x42, 0x00, 0x12, 0x00, 0x1a, 0x00, 0x1a,
    0x00, 0x22, 0x00,
  ]),
]);

test("reads kubectl's namespace", () => {
  expect(decodeKubernetesProtobuf(createNamespace)).toMatchObject({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "team" },
  });
});

test.each([
  ["what is something else", Buffer.from("hello"), 400],
  ["what is cut off", createNamespace.subarray(0, 30), 400],
  [
    "a kind that nobody sends so",
    Buffer.concat([
      Buffer.from("k8s\0"),
      Buffer.from([0x0a, 0x09, 0x0a, 0x02]),
      Buffer.from("v1"),
      Buffer.from([0x12, 0x03]),
      Buffer.from("Pod"),
    ]),
    415,
  ],
])("refuses %s", (_what, body, code) => {
  expect(() => decodeKubernetesProtobuf(body)).toThrow(expect.objectContaining({ code }));
});
