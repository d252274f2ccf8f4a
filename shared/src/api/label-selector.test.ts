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

const is = (key: string, operator: string, ...values: string[]) => ({
  key,
  operator,
  ...(values.length === 0 ? {} : { values }),
});

describe("a selector that no labels can satisfy", () => {
  test.each<[object]>([
    [{ matchLabels: { app: "web" }, matchExpressions: [is("app", "DoesNotExist")] }],
    [{ matchLabels: { app: "web" }, matchExpressions: [is("app", "NotIn", "web")] }],
    [{ matchLabels: { app: "web" }, matchExpressions: [is("app", "In", "db")] }],
    [{ matchExpressions: [is("app", "Exists"), is("app", "DoesNotExist")] }],
    [{ matchExpressions: [is("app", "In", "a", "b"), is("app", "NotIn", "a"), is("app", "NotIn", "b")] }],
    [{ matchExpressions: [is("app", "In", "a"), is("app", "In", "b")] }],
  ])("is refused, and the key named: %j", (selector) => {
    const { error } = labelSelectorSchema.safeParse(selector);
    expect(error?.issues[0]?.path).toEqual(["matchExpressions"]);
    expect(error?.issues[0]?.message).toContain('all that is asked of "app"');
  });

  test.each<[object]>([
    [{ matchLabels: { app: "web" }, matchExpressions: [is("app", "Exists"), is("app", "In", "web", "db")] }],
    [{ matchExpressions: [is("app", "NotIn", "a"), is("app", "Exists")] }],
    [{ matchExpressions: [is("app", "NotIn", "a"), is("app", "DoesNotExist")] }],
    [{ matchExpressions: [is("app", "In", "a", "b"), is("app", "NotIn", "a"), is("tier", "DoesNotExist")] }],
  ])("is none: %j", (selector) => expect(labelSelectorSchema.safeParse(selector).success).toBe(true));
});
