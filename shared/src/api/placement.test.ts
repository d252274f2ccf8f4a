import { expect, test } from "vitest";
import { placementSchema } from "./placement.ts";

const labelSelector = { matchLabels: { app: "web" } };

test.each<[string, object]>([
  ["a toleration with an unknown operator", { tolerations: [{ key: "gpu", operator: "Like" }] }],
  ["a toleration of any value with a value", { tolerations: [{ key: "gpu", operator: "Exists", value: "a" }] }],
  ["a toleration that equals nothing", { tolerations: [{ value: "a" }] }],
  ["an unknown effect", { tolerations: [{ key: "gpu", operator: "Exists", effect: "Never" }] }],
  ["spread that allows no difference", { spread: [{ topologyKey: "zone", maxSkew: 0, labelSelector }] }],
  ["spread over nothing", { spread: [{ topologyKey: "", labelSelector }] }],
  ["spread of nothing in particular", { spread: [{ topologyKey: "zone" }] }],
  [
    "the same spread twice",
    {
      spread: [
        { topologyKey: "zone", labelSelector },
        { topologyKey: "zone", maxSkew: 2, labelSelector },
      ],
    },
  ],
  ["anti-affinity without a domain", { antiAffinity: [{ labelSelector }] }],
  ["anti-affinity over nothing", { antiAffinity: [{ labelSelector, topologyKey: "" }] }],
  ["an unknown member", { affinity: {} }],
  ["a node label that no node can have", { nodeSelector: { "a b": "c" } }],
  ["a node label's value that no node can have", { nodeSelector: { zone: "a b" } }],
  ["another system than every node's", { nodeSelector: { "kubernetes.io/os": "windows" } }],
  ["a toleration of a value that no taint can have", { tolerations: [{ key: "gpu", value: "a b" }] }],
  [
    "anti-affinity to what nothing can be",
    {
      antiAffinity: [
        {
          topologyKey: "zone",
          labelSelector: { ...labelSelector, matchExpressions: [{ key: "app", operator: "DoesNotExist" }] },
        },
      ],
    },
  ],
])("refuses %s", (_what, placement) => expect(placementSchema.safeParse(placement).success).toBe(false));

test("names the member that can't be", () => {
  const { error } = placementSchema.safeParse({ nodeSelector: { "kubernetes.io/os": "windows" } });
  expect(error?.issues[0]).toMatchObject({
    path: ["nodeSelector", "kubernetes.io/os"],
    message: 'must be "linux", as on every node; with "windows" it could never be placed',
  });
});

test("fills in what is not said", () => {
  expect(
    placementSchema.parse({
      tolerations: [{ key: "gpu", value: "a" }, { operator: "Exists" }],
      antiAffinity: [{ labelSelector, topologyKey: "kubernetes.io/hostname" }],
      spread: [{ topologyKey: "zone", labelSelector: {} }],
    }),
  ).toEqual({
    nodeSelector: {},
    tolerations: [{ key: "gpu", operator: "Equal", value: "a" }, { operator: "Exists" }],
    antiAffinity: [{ labelSelector, topologyKey: "kubernetes.io/hostname" }],
    spread: [{ topologyKey: "zone", maxSkew: 1, labelSelector: {}, whenUnsatisfiable: "DoNotSchedule" }],
  });
});
