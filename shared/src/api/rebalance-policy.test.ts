import { expect, test } from "vitest";
import { rebalancePolicySchema } from "./rebalance-policy.ts";

function policy(spec: object, name = "default") {
  return { apiVersion: "vfleet.dev/v1", kind: "RebalancePolicy", metadata: { name }, spec };
}

test("suggests and moves nothing, unless told otherwise", () =>
  expect(rebalancePolicySchema.parse(policy({})).spec).toMatchObject({ mode: "Suggest", holdRounds: 3, batch: 1 }));

test.each<[string, object, string, string]>([
  ["a threshold above all", { thresholds: { cpuPressurePercent: 101 } }, "thresholds.cpuPressurePercent", "<=100"],
  ["a threshold of nothing", { thresholds: { memoryPressurePercent: 0 } }, "thresholds.memoryPressurePercent", ">=1"],
  ["rounds without a pause", { intervalSeconds: 0 }, "intervalSeconds", ">=5"],
  ["part of a round", { holdRounds: 1.5 }, "holdRounds", "expected int"],
  ["no margin, which would move things to and fro", { marginPercent: 0 }, "marginPercent", ">=1"],
  ["more at once than a fleet bears", { batch: 21 }, "batch", "<=20"],
  ["a longer rest than the longest", { cooldownSeconds: 21_601 }, "cooldownSeconds", "<=21600"],
  ["a mode that isn't one", { mode: "Always" }, "mode", '"Off"|"Suggest"|"On"'],
  ["a word that isn't known", { holdRound: 3 }, "", '"holdRound"'],
  [
    "targets that a move would overload",
    { targetLoadPercent: 90 },
    "targetLoadPercent",
    "must be less than thresholds.cpuUsePercent (90), or a move would overload its target",
  ],
])("refuses %s, and says which member", (_what, spec, member, words) => {
  const { error } = rebalancePolicySchema.safeParse(policy(spec));
  expect(error?.issues[0]?.path.join(".")).toBe(["spec", member].filter((part) => part !== "").join("."));
  expect(error?.issues[0]?.message).toContain(words);
});

test("there is one, named default", () =>
  expect(rebalancePolicySchema.safeParse(policy({}, "other")).error?.issues[0]?.path).toEqual(["metadata", "name"]));
