import { expect, it } from "vitest";
import { Timeline } from "./timeline.ts";

it("folds marks that were in vain into a step that has ended, and takes them anew", () => {
  let nowMs = 100;
  const timeline = new Timeline({ monotonicMs: () => nowMs });
  const markAt = (ms: number, step: string) => {
    nowMs = ms;
    timeline.mark(step);
  };
  markAt(110, "connect");
  markAt(120, "frozen");
  markAt(125, "dump");
  nowMs = 140;
  timeline.fold("dump-put-off-1", ["dump", "frozen", "pre-dump"]);
  expect(timeline.steps()).toEqual([
    { step: "connect", atMs: 10 },
    { step: "dump-put-off-1", atMs: 20, durationMs: 20 },
  ]);
  markAt(150, "frozen");
  expect([timeline.at("frozen"), timeline.at("dump")]).toEqual([50, undefined]);
});
