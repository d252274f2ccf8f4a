import { expect, test } from "vitest";
import { readBody } from "./request-body.ts";

test.each([
  ["nesting", `${"[".repeat(5000)}${"]".repeat(5000)}`, undefined, 400],
  ["a prototype", '{"a":{"__proto__":{"admin":true}}}', "application/json", 400],
  ["half a document", '{"a":', "application/json", 400],
  ["YAML", "a: b", "application/yaml", 415],
])("refuses %s", (_what, text, type, code) => {
  expect(() => readBody(Buffer.from(text), type)).toThrow(expect.objectContaining({ code }));
});

test("takes JSON without a type, and nothing", () => {
  expect(readBody(Buffer.from('{"a":1}'), undefined)).toEqual({ a: 1 });
  expect(readBody(Buffer.alloc(0), "application/json")).toBeUndefined();
});
