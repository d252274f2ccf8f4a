import { expect, test } from "vitest";
import type { VirtualServer } from "@vfleet/shared";
import { placedStatus, sampleBudget, sampleMigration, sampleServer } from "../samples.ts";
import { budgetStep } from "./budget-step.ts";

const now = "2026-01-01T00:00:00.000Z";
const up = sampleServer("up", { status: placedStatus("host-1") });
const down = sampleServer("down", { status: placedStatus("host-1", { phase: "Unknown" }) });
const worse = sampleServer("worse", { status: placedStatus("host-1", { phase: "Failed" }) });

test.each<[string, VirtualServer[], object, object]>([
  [
    "says what is left",
    [up, up],
    { servers: 2, limit: 1, allowed: 1, moving: 0, down: 0 },
    { status: "True", reason: "RoomLeft" },
  ],
  ["says that it is used up", [up, down], { allowed: 0, down: 1 }, { status: "True", reason: "UsedUp" }],
  ["says that it isn't kept", [down, worse], { allowed: 0, down: 2 }, { status: "False", reason: "Exceeded" }],
  [
    "says that nothing is selected",
    [],
    { servers: 0 },
    { status: "Unknown", reason: "NothingSelected", message: expect.stringContaining('namespace "default"') },
  ],
])("%s", (_what, servers, figures, condition) => {
  const status = budgetStep({ budget: sampleBudget("all", { maxUnavailable: 1 }), servers, migrations: [], now });
  expect(status).toMatchObject({ ...figures, observedGeneration: 1, conditions: [{ type: "Kept", ...condition }] });
});

test("counts a server that is down and moves once", () => {
  const move = sampleMigration("move", { spec: { server: "down" }, status: { phase: "Syncing", mode: "Cold" } });
  const budget = sampleBudget("all", { maxUnavailable: 2 });
  const status = budgetStep({ budget, servers: [up, down], migrations: [move], now });
  expect(status).toMatchObject({ moving: 1, down: 0, allowed: 1 });
});
