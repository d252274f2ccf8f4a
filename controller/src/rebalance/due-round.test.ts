import { expect, test } from "vitest";
import type { RebalancePolicy } from "@vfleet/shared";
import type { DueRound } from "./due-round.ts";
import { dueRound } from "./due-round.ts";
import { policySpec } from "./simulated-fleet.ts";

const nowMs = Date.parse("2026-01-01T00:10:00.000Z");
const suggest = { request: { id: "b", mode: "Suggest" } };

test.each<[string, object, RebalancePolicy["status"], DueRound]>([
  ["the first at once", {}, undefined, { kind: "round", mode: "On", isAsked: false }],
  [
    "none before the interval has passed",
    {},
    { lastRoundAt: "2026-01-01T00:09:20.000Z" },
    { kind: "wait", ms: 20_000 },
  ],
  ["one after it", {}, { lastRoundAt: "2026-01-01T00:09:00.000Z" }, { kind: "round", mode: "On", isAsked: false }],
  [
    "an interval at most after a clock ahead",
    {},
    { lastRoundAt: "2026-01-01T09:00:00.000Z" },
    { kind: "wait", ms: 60_000 },
  ],
  ["none when off", { mode: "Off" }, undefined, { kind: "off" }],
  [
    "what is asked for, even when off",
    { mode: "Off", ...suggest },
    undefined,
    { kind: "round", mode: "Suggest", isAsked: true },
  ],
  ["what was asked for once only", { mode: "Off", ...suggest }, { answeredRequest: "b" }, { kind: "off" }],
  [
    "another request",
    { mode: "Off", ...suggest },
    { answeredRequest: "a" },
    { kind: "round", mode: "Suggest", isAsked: true },
  ],
])("%s", (_what, spec, status, due) =>
  expect(dueRound({ spec: policySpec(spec), ...(status === undefined ? {} : { status }) }, nowMs)).toEqual(due),
);
