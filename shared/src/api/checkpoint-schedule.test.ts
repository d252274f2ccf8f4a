import { expect, test } from "vitest";
import { checkpointScheduleSchema } from "./checkpoint-schedule.ts";
import { lastTimeMs, nextTimeMs, type CheckpointTimes } from "./checkpoint-times.ts";

const parse = (spec: object) =>
  checkpointScheduleSchema.safeParse({
    apiVersion: "vfleet.dev/v1",
    kind: "CheckpointSchedule",
    metadata: { name: "nightly" },
    spec: { server: "web", ...spec },
  });

test.each<[string, object]>([
  ["every night, in a place's own time", { schedule: "30 3 * * MON-FRI", timeZone: "Europe/Berlin" }],
  ["a leap day", { schedule: "0 0 29 2 *" }],
  ["a nickname", { schedule: "@daily" }],
  ["an interval", { intervalSeconds: 60 }],
  ["all servers", { server: undefined, selector: {}, intervalSeconds: 3600 }],
  ["other retention", { schedule: "@daily", retention: { keepLast: 1, maxAgeSeconds: 60, keepFailed: 0 } }],
])("takes %s", (_what, spec) => expect(parse(spec).error).toBeUndefined());

const daily = { schedule: "0 3 * * *" };
test.each<[string, object, string]>([
  ["31 February", { schedule: "0 0 31 2 *" }, "schedule"],
  ["a 61st minute", { schedule: "61 * * * *" }, "schedule"],
  ["seconds", { schedule: "0 0 3 * * *" }, "schedule"],
  ["a step of nothing", { schedule: "*/0 * * * *" }, "schedule"],
  ["a time zone in the schedule", { schedule: "TZ=UTC 0 3 * * *" }, "schedule"],
  ["prose", { schedule: "every day at three o'clock" }, "schedule"],
  ["nothing", { schedule: "" }, "schedule"],
  ["neither schedule nor interval", {}, "schedule"],
  ["schedule and interval", { ...daily, intervalSeconds: 60 }, "schedule"],
  ["no interval", { intervalSeconds: 0 }, "intervalSeconds"],
  ["half an interval", { intervalSeconds: 90.5 }, "intervalSeconds"],
  ["too far apart", { intervalSeconds: 1e9 }, "intervalSeconds"],
  ["nobody's time zone", { ...daily, timeZone: "Mars/Phobos" }, "timeZone"],
  ["a time zone without a schedule", { intervalSeconds: 60, timeZone: "UTC" }, "timeZone"],
  ["neither server nor selector", { server: undefined, ...daily }, "server"],
  ["server and selector", { selector: {}, ...daily }, "server"],
  ["keeping nothing", { ...daily, retention: { keepLast: 0 } }, "retention.keepLast"],
  ["keeping too many", { ...daily, retention: { keepLast: 1001 } }, "retention.keepLast"],
  ["an age of nothing", { ...daily, retention: { maxAgeSeconds: 0 } }, "retention.maxAgeSeconds"],
  ["a deadline of nothing", { ...daily, startingDeadlineSeconds: 0 }, "startingDeadlineSeconds"],
])("refuses %s, and names the member", (_what, spec, member) => {
  expect(parse(spec).error?.issues.map(({ path }) => path.join("."))).toEqual([`spec.${member}`]);
});

const at = (text: string) => Date.parse(text);
const berlin = { schedule: "30 2 * * *", timeZone: "Europe/Berlin" };
const hourly = { intervalSeconds: 3600, createdMs: at("2026-03-01T00:10:00Z") };

test.each<[string, CheckpointTimes, string, [last: string | undefined, next: string]]>([
  ["before the first interval has passed", hourly, "2026-03-01T01:09:59Z", [undefined, "2026-03-01T01:10:00Z"]],
  ["at the end of an interval", hourly, "2026-03-01T03:10:00Z", ["2026-03-01T03:10:00Z", "2026-03-01T04:10:00Z"]],
  ["before it was made", hourly, "2026-02-01T00:00:00Z", [undefined, "2026-03-01T01:10:00Z"]],
  ["at the very time", berlin, "2026-03-27T01:30:00Z", ["2026-03-27T01:30:00Z", "2026-03-28T01:30:00Z"]],
  ["a millisecond before", berlin, "2026-03-27T01:29:59.999Z", ["2026-03-26T01:30:00Z", "2026-03-27T01:30:00Z"]],
  // That night has no half past two: the clock goes from two to three, and it comes then.
  ["when a night lacks an hour", berlin, "2026-03-29T10:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]],
])("knows the last and the next time %s", (_what, times, now, [last, next]) => {
  expect(lastTimeMs(times, at(now))).toBe(last === undefined ? undefined : at(last));
  expect(nextTimeMs(times, at(now))).toBe(at(next));
});
