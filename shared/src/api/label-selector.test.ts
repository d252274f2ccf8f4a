import { describe, expect, test } from "vitest";
import type { LabelSelector } from "./label-selector.ts";
import { labelSelectorSchema, selects } from "./label-selector.ts";

const labels = { app: "web", tier: "front" };

describe("selects", () => {
  test.each<[LabelSelector, boolean]>([
    [{}, true],
    [{ matchLabels: { app: "web" } }, true],
    [{ matchLabels: { app: "web", tier: "back" } }, false],
    [{ matchExpressions: [{ key: "app", operator: "In", values: ["web", "db"] }] }, true],
    [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }, false],
    [{ matchExpressions: [{ key: "app", operator: "NotIn", values: ["web"] }] }, false],
    [{ matchExpressions: [{ key: "zone", operator: "NotIn", values: ["a"] }] }, true],
    [{ matchExpressions: [{ key: "tier", operator: "Exists" }] }, true],
    [{ matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] }, false],
  ])("%j: %s", (selector, expected) => expect(selects(selector, labels)).toBe(expected));
});

test.each([
  { matchExpressions: [{ key: "app", operator: "In" }] },
  { matchExpressions: [{ key: "app", operator: "Exists", values: ["web"] }] },
  { matchExpressions: [{ key: "app", operator: "Like", values: ["web"] }] },
  { matchLabels: { "": "web" } },
  { matchLabel: { app: "web" } },
])("refuses %j", (selector) => expect(labelSelectorSchema.safeParse(selector).success).toBe(false));
