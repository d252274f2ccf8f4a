import { expect, test } from "vitest";
import { compileJsonPath, compileTemplate } from "./json-path.ts";

const object = {
  metadata: { name: "web", labels: { "app.kubernetes.io/name": "shop" } },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Moved", status: "False" },
    ],
    restarts: 2,
  },
};

test.each([
  ["{.metadata.name}", ["web"]],
  ["$.metadata.name", ["web"]],
  ["metadata.name", ["web"]],
  ["{.metadata.labels.app\\.kubernetes\\.io/name}", ["shop"]],
  ["{.metadata.labels['app.kubernetes.io/name']}", ["shop"]],
  ["{.status.conditions[*].type}", ["Ready", "Moved"]],
  ["{.status.conditions[-1].type}", ["Moved"]],
  ['{.status.conditions[?(@.type=="Ready")].status}', ["True"]],
  ["{.status.conditions[?(@.type!='Ready')].status}", ["False"]],
  ["{.status.nothing.there}", []],
  ["{.constructor}", []],
])("%s selects %j", (path, found) => {
  expect(compileJsonPath(path)(object)).toEqual(found);
});

test("a template has text around its paths", () => {
  expect(compileTemplate('{.metadata.name}: {.status.restarts}{"\\n"}')(object)).toBe("web: 2\n");
});

test("a path that is not understood is named", () => {
  expect(() => compileJsonPath("{.items[?(@.a > process.exit())]}")).toThrow(/Cannot read the JSONPath/);
});
