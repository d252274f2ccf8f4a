import { virtualServerKind, type ApiObject, type Kind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { parseFieldSelector, parseLabelSelector } from "./selector.ts";

const object: ApiObject = {
  apiVersion: "vfleet.dev/v1",
  kind: "VirtualServer",
  metadata: { name: "web", namespace: "default", labels: { app: "cache", "vfleet.dev/tier": "db", empty: "" } },
  status: { phase: "Running" },
};

describe("label selector", () => {
  test.each([
    ["app=cache", true],
    ["app==cache", true],
    ["app=other", false],
    ["app!=other", true],
    ["missing!=x", true],
    ["app in (cache, web)", true],
    ["app notin (cache)", false],
    ["missing notin (cache)", true],
    ["app", true],
    ["!app", false],
    ["!missing", true],
    ["vfleet.dev/tier=db,app in (a,cache),!x", true],
    ["empty=", true],
    ["missing=", false],
    ["constructor", false],
    ["", true],
  ])("%s", (selector, matches) => {
    expect(parseLabelSelector(selector)(object)).toBe(matches);
  });

  test.each(["a b", "a=(b)", "=x", "a in b"])("refuses %j", (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(expect.objectContaining({ code: "selector-invalid" }));
  });
});

describe("field selector", () => {
  const kind = virtualServerKind as unknown as Kind;
  test.each([
    ["metadata.name=web", true],
    ["metadata.name!=web", false],
    ["status.phase=Running,metadata.namespace=default", true],
    ["status.nodeName=", true],
    ["status.nodeName=host-1", false],
  ])("%s", (selector, matches) => {
    expect(parseFieldSelector(selector, kind)(object)).toBe(matches);
  });

  test("refuses a field that cannot be selected on, and says which can", () => {
    expect(() => parseFieldSelector("spec.image=a", kind)).toThrow(/spec\.image.*status\.nodeName/);
  });
});
