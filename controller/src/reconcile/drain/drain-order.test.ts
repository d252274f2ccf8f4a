import { expect, test } from "vitest";
import { sampleServer } from "../samples.ts";
import { inDrainOrder } from "./drain-order.ts";

const gibibyte = 2 ** 30;

function sized(name: string, request: string, limit: string) {
  return sampleServer(name, { spec: { resources: { requests: { memory: request }, limits: { memory: limit } } } });
}

test.each<[string, string[]]>([
  ["by what it uses, where that is known", ["busy", "unknown", "asking", "idle"]],
  ["by name, where they are alike", ["twin-a", "twin-b"]],
])("goes from the largest to the smallest, %s", (_how, names) => {
  const used = new Map([
    ["busy", 4 * gibibyte],
    ["asking", gibibyte / 2],
    ["idle", gibibyte / 2],
  ]);
  const servers = [
    sized("idle", "128Mi", "8Gi"),
    sized("asking", "1Gi", "8Gi"),
    sized("unknown", "128Mi", "2Gi"),
    sized("busy", "128Mi", "8Gi"),
    sized("twin-b", "1Mi", "1Mi"),
    sized("twin-a", "1Mi", "1Mi"),
  ].filter(({ metadata }) => names.includes(metadata.name));
  const ordered = inDrainOrder(servers, ({ metadata }) => used.get(metadata.name));
  expect(ordered.map(({ metadata }) => metadata.name)).toEqual(names);
});

test("goes by priority before size", () => {
  const servers = [sized("large", "4Gi", "4Gi"), sampleServer("dear", { spec: { priority: 1 } })];
  const ordered = inDrainOrder([...servers, sampleServer("cheap", { spec: { priority: -1 } })], () => undefined);
  expect(ordered.map(({ metadata }) => metadata.name)).toEqual(["dear", "large", "cheap"]);
});
