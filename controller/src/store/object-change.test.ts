import { namespaceKind, virtualServerKind, type ApiObject, type Kind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { changeOf, newObject } from "./object-change.ts";

const kind = virtualServerKind as unknown as Kind;
const current: ApiObject = {
  apiVersion: "vfleet.dev/v1",
  kind: "VirtualServer",
  metadata: {
    name: "web",
    namespace: "default",
    uid: "u",
    resourceVersion: "7",
    generation: 3,
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec: { image: "a" },
  status: { phase: "Running" },
};

describe("change of an object", () => {
  test("is none when only the version differs", () => {
    expect(changeOf(kind, { current, next: structuredClone(current) }, "whole")).toEqual({ action: "none" });
  });

  test("keeps what the server owns, whatever the writer says", () => {
    const next = {
      ...current,
      metadata: { ...current.metadata, uid: undefined, generation: 99, creationTimestamp: null, labels: { a: "b" } },
    } as unknown as ApiObject;
    expect(changeOf(kind, { current, next }, "whole")).toMatchObject({
      action: "write",
      object: { metadata: { uid: "u", generation: 3, creationTimestamp: "2026-01-01T00:00:00Z", labels: { a: "b" } } },
    });
  });

  test("refuses another object of the same name", () => {
    const next = { ...current, metadata: { ...current.metadata, uid: "other" } };
    expect(() => changeOf(kind, { current, next }, "whole")).toThrow(expect.objectContaining({ code: "conflict" }));
  });

  test("removes when the last finalizer goes from an object being deleted", () => {
    const leaving = {
      ...current,
      metadata: { ...current.metadata, deletionTimestamp: "2026-01-02T00:00:00Z", finalizers: ["a"] },
    };
    const next = { ...leaving, metadata: { ...leaving.metadata, finalizers: [] } };
    expect(changeOf(kind, { current: leaving, next }, "main")).toEqual({ action: "remove" });
  });

  test("does not let a writer of main touch the status, where that is apart", () => {
    const next = { ...current, status: { phase: "Failed" }, spec: { image: "b" } };
    expect(changeOf(kind, { current, next }, "main")).toMatchObject({
      object: { status: { phase: "Running" }, metadata: { generation: 4 } },
    });
  });

  test("of a new object drops what a client cannot say", () => {
    const object: ApiObject = {
      apiVersion: "v1",
      kind: namespaceKind.kind,
      metadata: { name: "a", uid: "mine", resourceVersion: "1", deletionTimestamp: "x" },
    };
    expect(newObject(object, { uid: "u", now: "t" }).metadata).toEqual({
      name: "a",
      uid: "u",
      creationTimestamp: "t",
      generation: 1,
    });
  });
});
