import { expect, test } from "vitest";
import { disruptionBudgetSchema } from "./disruption-budget.ts";

const budget = (spec: object) => ({
  apiVersion: "vfleet.dev/v1",
  kind: "DisruptionBudget",
  metadata: { name: "web", namespace: "default" },
  spec: { selector: {}, ...spec },
});

test.each<[string, object, string]>([
  ["nothing at all", { maxUnavailable: 0 }, "more than 0"],
  ["no share at all", { maxMoving: "0%" }, "more than 0"],
  ["less than nothing", { maxUnavailable: -1 }, "a whole number from 1"],
  ["part of a server", { maxMoving: 1.5 }, "a whole number from 1"],
  ["more than all", { maxUnavailable: "101%" }, "a percentage"],
  ["a number as text", { maxUnavailable: "3" }, "a percentage"],
  ["words", { maxUnavailable: "half" }, "a percentage"],
  ["both members", { maxUnavailable: 1, maxMoving: 1 }, "exactly one of"],
  ["neither member", {}, "exactly one of"],
  ["an unknown member", { maxUnavailable: 1, minAvailable: 1 }, "minAvailable"],
  ["no selector", { selector: undefined, maxUnavailable: 1 }, "selector"],
])("refuses %s", (_what, spec, named) => {
  const { error } = disruptionBudgetSchema.safeParse(budget(spec));
  expect(JSON.stringify(error?.issues)).toContain(named);
});

test.each([{ maxUnavailable: 1 }, { maxMoving: "1%" }, { maxUnavailable: "100%" }])("takes %j", (spec) => {
  expect(disruptionBudgetSchema.safeParse(budget(spec)).success).toBe(true);
});
