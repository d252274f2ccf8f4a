import { expect, test } from "vitest";
import { parseGoal } from "./goal.ts";

const ready = (observedGeneration?: number) => ({
  apiVersion: "vfleet.dev/v1",
  kind: "VirtualServer",
  metadata: { name: "web", generation: 2 },
  status: {
    phase: "Running",
    conditions: [
      { type: "Ready", status: "True", ...(observedGeneration === undefined ? {} : { observedGeneration }) },
    ],
  },
});

test.each([
  ["condition=Ready", ready(), true],
  ["condition=ready=true", ready(), true],
  ["condition=Ready=False", ready(), false],
  ["condition=Ready", ready(1), false],
  ["condition=Ready", ready(2), true],
  ["jsonpath={.status.phase}=Running", ready(), true],
  ["jsonpath='{.status.phase}'=Stopped", ready(), false],
  ["jsonpath={.status.phase}", ready(), true],
  ["jsonpath={.status.address}", ready(), false],
  ['jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', ready(), true],
])("%s", (text, object, met) => {
  const goal = parseGoal(text);
  expect(goal.kind === "state" && goal.isMet(object)).toBe(met);
});

test("a goal that is not understood is refused", () => {
  expect(() => parseGoal("running")).toThrow('unrecognized condition: "running"');
});
