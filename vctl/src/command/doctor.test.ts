import { expect, test } from "vitest";
import { oddities } from "./doctor.ts";

const node = (conditions: object[]) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "host-1" },
  status: { conditions },
});

test("notes a clock that is off and a capacity that can't be, and nothing of a host that is well", () => {
  const off = { type: "ClockSkew", status: "True", reason: "Ahead", message: "Its clock is about 3 min ahead" };
  const odd = { type: "CapacityCredible", status: "False", reason: "Grown", message: "CPU: 64, it was 4" };
  const notes = oddities(node([off, odd]));
  expect(notes.map(({ detail }) => detail)).toEqual([
    "ClockSkew: Its clock is about 3 min ahead",
    "CapacityCredible: CPU: 64, it was 4",
  ]);
  expect(notes.every(({ ok, level }) => !ok && level === "info")).toBe(true);
  expect(
    oddities(
      node([
        { ...off, status: "False" },
        { ...odd, status: "True" },
      ]),
    ),
  ).toEqual([]);
});
