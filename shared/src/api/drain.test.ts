import { expect, test } from "vitest";
import { drainSchema } from "./drain.ts";

const parse = (spec: object) =>
  drainSchema.safeParse({ apiVersion: "vfleet.dev/v1", kind: "Drain", metadata: { name: "drain" }, spec });

test.each<[string, object, string]>([
  ["a deadline that is over at once", { deadlineSeconds: 0 }, "deadlineSeconds"],
  ["a deadline of more than a week", { deadlineSeconds: 604_801 }, "deadlineSeconds"],
  ["no moves at all", { maxParallel: 0 }, "maxParallel"],
  ["a fallback that nobody knows", { fallback: "burn" }, "fallback"],
  ["a return that stops what it should bring", { bringBack: true, fallback: "stop" }, "nothing comes back by it"],
])("refuses %s", (_what, spec, named) => {
  expect(JSON.stringify(parse({ node: "host-1", ...spec }).error?.issues)).toContain(named);
});

test("moves away, two at a time, and waits for what can't be moved, unless told otherwise", () => {
  expect(parse({ node: "host-1" }).data?.spec).toEqual({
    node: "host-1",
    bringBack: false,
    maxParallel: 2,
    fallback: "wait",
    dryRun: false,
    cancel: false,
  });
});
