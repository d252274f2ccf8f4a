import { expect, test } from "vitest";
import { parseManifests } from "./manifests.ts";

test("documents, empty ones and lists all give their objects", () => {
  const text =
    "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n";
  expect(parseManifests("f", text).map(({ object }) => object.metadata.name)).toEqual(["a", "b"]);
});

test("JSON is read too", () => {
  expect(parseManifests("f", '{"apiVersion":"v1","kind":"Namespace","metadata":{"generateName":"a-"}}')).toHaveLength(
    1,
  );
});

test.each([
  ["a: [", /Cannot read "f": .*line 1/],
  ["a: 1", /Cannot read "f": apiVersion: .*; kind: /],
])("%s is refused in one line", (text, message) => {
  expect(() => parseManifests("f", text)).toThrow(message);
});
