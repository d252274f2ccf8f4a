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
])("refuses %s", (_what, placement) => expect(placementSchema.safeParse(placement).success).toBe(false));

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
