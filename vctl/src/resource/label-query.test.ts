import { expect, test } from "vitest";
import { labelSelectorSchema } from "@vfleet/shared";
import { parseLabelQuery } from "./label-query.ts";

test("each part of a query is a requirement", () => {
  const selector = parseLabelQuery("app=web, tier!=db,zone==a,gpu,!old");
  expect(labelSelectorSchema.parse(selector).matchExpressions).toEqual([
    { key: "app", operator: "In", values: ["web"] },
    { key: "tier", operator: "NotIn", values: ["db"] },
    { key: "zone", operator: "In", values: ["a"] },
    { key: "gpu", operator: "Exists" },
    { key: "old", operator: "DoesNotExist" },
  ]);
});

test.each(["", "app=web,", "app in (web)", "!app=web", "=web"])("%j is no query", (text) =>
  expect(() => parseLabelQuery(text)).toThrow("invalid selector"),
);
