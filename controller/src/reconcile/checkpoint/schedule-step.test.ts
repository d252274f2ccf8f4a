import { describe, expect, test } from "vitest";
import type { Checkpoint, CheckpointSchedule } from "@vfleet/shared";
import { checkpointKind, checkpointScheduleKind } from "@vfleet/shared";
import { scheduleStep, type ScheduleView } from "./schedule-step.ts";

const at = (text: string) => Date.parse(text);
const createdAt = "2026-03-01T00:00:00.000Z";

function schedule(spec: object, status?: CheckpointSchedule["status"]): CheckpointSchedule {
  const parsed = checkpointScheduleKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "CheckpointSchedule",
    metadata: { name: "nightly", namespace: "default", uid: "schedule", creationTimestamp: createdAt },
    spec: { server: "web", ...spec },
  });
  return status === undefined ? parsed : { ...parsed, status };
}

const owner = { apiVersion: "vfleet.dev/v1", kind: "CheckpointSchedule", name: "nightly", uid: "schedule" };
function checkpoint(
  name: string,
  phase: string,
  { created = createdAt, isOwned = true, server = "web" } = {},
): Checkpoint {
  return checkpointKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Checkpoint",
    metadata: { name, creationTimestamp: created, ...(isOwned ? { ownerReferences: [owner] } : {}) },
    spec: { server },
    status: { phase, serverUid: `uid-${server}` },
  });
}

const server = (name: string) => ({ name, uid: `uid-${name}`, isRunning: true, isHeardOf: true });
const daily = schedule({ schedule: "0 3 * * *" });
const base: ScheduleView = {
  schedule: daily,
  servers: [server("web")],
  checkpoints: [],
  restoring: new Set(),
  nowMs: at("2026-03-02T03:00:00.250Z"),
};
const due = "2026-03-02T03:00:00.000Z";
const nameAt = (time: string, of = "web") => `nightly-${of}-${(at(time) / 1000).toString(36)}`;
const after = (time: string, spec: object = { schedule: "0 3 * * *" }) => schedule(spec, { lastScheduleTime: time });

describe("scheduleStep", () => {
  test.each<[string, Partial<ScheduleView>, object]>([
    [
      "at its time",
      {},
      { create: [{ name: nameAt(due), server: "web" }], status: { lastScheduleTime: due, active: 1 } },
    ],
    ["before it", { nowMs: at("2026-03-01T02:59:59.999Z") }, { create: [], lookAgainMs: 20 }],
    ["long before it", { nowMs: at("2026-03-01T01:00:00Z") }, { create: [], lookAgainMs: 30_000 }],
    ["once it is handled", { schedule: after(due) }, { create: [], events: [] }],
    [
      "after days without a controller: once, for the last time",
      { nowMs: at("2026-03-09T12:00:00Z") },
      { create: [{ name: nameAt("2026-03-09T03:00:00Z") }], status: { lastScheduleTime: "2026-03-09T03:00:00.000Z" } },
    ],
    [
      "after its deadline",
      { schedule: schedule({ schedule: "0 3 * * *", startingDeadlineSeconds: 60 }), nowMs: at("2026-03-02T03:02:00Z") },
      { create: [], status: { lastScheduleTime: due }, events: [{ type: "Warning", reason: "Missed" }] },
    ],
    [
      "within its deadline",
      {
        schedule: schedule({ schedule: "0 3 * * *", startingDeadlineSeconds: 180 }),
        nowMs: at("2026-03-02T03:02:00Z"),
      },
      { create: [{ server: "web" }] },
    ],
    [
      "while it is suspended",
      { schedule: schedule({ schedule: "0 3 * * *", suspend: true }) },
      { create: [], status: { servers: 1 }, lookAgainMs: 30_000 },
    ],
    [
      "an interval",
      { schedule: schedule({ intervalSeconds: 3600 }), nowMs: at("2026-03-01T01:00:00Z") },
      { create: [{ server: "web" }], status: { nextScheduleTime: "2026-03-01T02:00:00.000Z" } },
    ],
    [
      "of several servers those that can be",
      {
        servers: [server("a"), { ...server("b"), isRunning: false }, server("c")],
        checkpoints: [checkpoint("old", "Taking", { server: "c", isOwned: false })],
      },
      {
        create: [{ server: "a" }],
        status: { message: expect.stringMatching(/"b" does not run, "c" still has checkpoint "old"/) as unknown },
      },
    ],
    ["without its server", { servers: [] }, { create: [], events: [{ reason: "NoServer" }] }],
    [
      "while its server's node was not heard of yet: it isn't forgotten",
      { servers: [{ ...server("web"), isRunning: false, isHeardOf: false }] },
      { create: [], events: [], lookAgainMs: 1000 },
    ],
    [
      "the clock was set back by an hour: times come again",
      { schedule: after("2026-03-02T03:00:00Z"), nowMs: at("2026-03-02T02:00:00Z") },
      { create: [], status: { lastScheduleTime: "2026-03-02T02:00:00.000Z" } },
    ],
    [
      "the clock was set back by a second: they don't",
      { schedule: after("2026-03-02T03:00:00.000Z"), nowMs: at("2026-03-02T02:59:59Z") },
      { create: [], status: { lastScheduleTime: "2026-03-02T03:00:00.000Z" } },
    ],
  ])("%s", (_what, change, expected) => {
    expect(scheduleStep({ ...base, ...change })).toMatchObject(expected);
  });
});

const day = (number: number) => `2026-03-${String(number).padStart(2, "0")}T03:00:00Z`;
const nowMs = at("2026-03-20T12:00:00Z");
const keep = (retention: object) => after(day(20), { schedule: "0 3 * * *", retention });
const ready = (number: number, more: object = {}) =>
  checkpoint(`day-${number}`, "Ready", { created: day(number), ...more });
const failed = (number: number) => checkpoint(`day-${number}`, "Failed", { created: day(number) });
const tenDays = { keepLast: 100, maxAgeSeconds: 10 * 86_400 };

describe("what a schedule keeps", () => {
  test.each<[string, Partial<ScheduleView>, string[]]>([
    [
      "the last ones",
      { schedule: keep({ keepLast: 2 }), checkpoints: [1, 4, 2, 3].map((n) => ready(n)) },
      ["day-2", "day-1"],
    ],
    [
      "what is not its own",
      { schedule: keep({ keepLast: 1 }), checkpoints: [ready(1, { isOwned: false }), ready(2)] },
      [],
    ],
    [
      "so many of each server",
      {
        schedule: keep({ keepLast: 1 }),
        servers: [server("web"), server("db")],
        checkpoints: [ready(1), ready(2), checkpoint("db-1", "Ready", { server: "db" })],
      },
      ["day-1"],
    ],
    ["the young ones", { schedule: keep(tenDays), checkpoints: [ready(9), ready(11), ready(19)] }, ["day-9"]],
    [
      "the last good one, however old",
      { schedule: keep(tenDays), checkpoints: [ready(1), ready(2), failed(19)] },
      ["day-1"],
    ],
    [
      "not even that one of a server that is gone",
      { schedule: keep(tenDays), servers: [], checkpoints: [ready(1)] },
      ["day-1"],
    ],
    [
      "what is being restored",
      { schedule: keep({ keepLast: 1 }), checkpoints: [ready(1), ready(2), ready(3)], restoring: new Set(["day-1"]) },
      ["day-2"],
    ],
    [
      "what is not finished",
      { schedule: keep({ keepLast: 1 }), checkpoints: [checkpoint("t", "Taking"), ready(3)] },
      [],
    ],
    [
      "what was ready and is gone",
      {
        schedule: keep({ keepFailed: 0 }),
        checkpoints: [{ ...failed(1), status: { phase: "Failed", reason: "Gone", takenAt: day(1) } }],
      },
      [],
    ],
    [
      "a failed one or two",
      { schedule: keep({ keepFailed: 1 }), checkpoints: [failed(1), failed(2), ready(3)] },
      ["day-1"],
    ],
  ])("%s", (_what, change, removed) => {
    expect(scheduleStep({ ...base, nowMs, ...change }).remove).toEqual(removed);
  });
});

test("over days with clocks that jump: no time twice, none missed but those the clock leaves out, and never two at work", () => {
  let now = at(createdAt);
  let object = schedule({ intervalSeconds: 3600, retention: { keepLast: 3 } });
  let checkpoints: Checkpoint[] = [];
  const asked: number[] = [];
  const jumps = new Map([
    [500, 26 * 3_600_000],
    [1200, -400],
    [2000, 5000],
  ]);
  for (let look = 0; look < 4000; look++) {
    now += 60_000 + (jumps.get(look) ?? 0);
    const step = scheduleStep({ ...base, schedule: object, checkpoints, nowMs: now });
    object = { ...object, status: step.status };
    checkpoints = checkpoints.filter(({ metadata }) => !step.remove.includes(metadata.name));
    for (const { name } of step.create) {
      asked.push(now);
      checkpoints.push(checkpoint(name, "Taking", { created: new Date(now).toISOString() }));
    }
    // Each takes seven looks.
    checkpoints = checkpoints.map((one) =>
      now - at(one.metadata.creationTimestamp ?? "") > 7 * 60_000
        ? { ...one, status: { ...one.status, phase: "Ready" } }
        : one,
    );
    const atWork = checkpoints.filter(({ status }) => status?.phase === "Taking");
    expect(atWork.length).toBeLessThanOrEqual(1);
    expect(checkpoints.length).toBeLessThanOrEqual(5);
  }
  const gaps = asked.slice(1).map((time, index) => time - (asked[index] ?? 0));
  expect(gaps.filter((gap) => gap > 2 * 3_600_000)).toHaveLength(1);
  expect(asked).toHaveLength(Math.floor((4000 * 60_000) / 3_600_000) + 1);
  expect(new Set(asked.map((time) => Math.floor(time / 3_600_000))).size).toBe(asked.length);
});
