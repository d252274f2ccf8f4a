import { describe, expect, test } from "vitest";
import type { VoteState } from "./vote-step.ts";
import { isFree, voteStep } from "./vote-step.ts";

const voteMs = 1000;
const asked = (candidate: string, round: number) => ({ type: "asked", ballot: { candidate, round }, voteMs }) as const;
const released = (candidate: string, round: number) => ({ type: "released", ballot: { candidate, round } }) as const;
const given: VoteState = { quietUntilMs: 0, vote: { candidate: "a", round: 3, untilMs: 1500 } };

describe("a vote", () => {
  test.each([
    [
      "is given where none was",
      { quietUntilMs: 0 },
      asked("a", 1),
      { nowMs: 500, candidate: "a", round: 1, untilMs: 1500 },
    ],
    ["is given anew to who has it", given, asked("a", 4), { nowMs: 800, candidate: "a", round: 4, untilMs: 1800 }],
    [
      "lasts longer for a late question too",
      given,
      asked("a", 2),
      { nowMs: 800, candidate: "a", round: 3, untilMs: 1800 },
    ],
    [
      "goes to another once it has run out",
      given,
      asked("b", 9),
      { nowMs: 1500, candidate: "b", round: 9, untilMs: 2500 },
    ],
  ])("%s", (_what, state, event, { nowMs, ...vote }) =>
    expect(voteStep(state, event, nowMs)).toEqual({ state: { quietUntilMs: 0, vote }, isGranted: true }),
  );

  test.each([
    ["to another before it has run out", given, asked("b", 9), 1499],
    ["to anyone just after a start", { quietUntilMs: 900 }, asked("a", 1), 899],
  ])("is not given %s", (_what, state, event, nowMs) =>
    expect(voteStep(state, event, nowMs)).toEqual({ state, isGranted: false }),
  );

  test.each([
    ["by its holder", released("a", 3), undefined],
    ["not by another", released("b", 9), given.vote],
    ["not by a word that is older than the vote", released("a", 2), given.vote],
  ])("is released: %s", (_what, event, vote) => expect(voteStep(given, event, 800).state.vote).toEqual(vote));

  test("is free for its holder, and for others once it has run out", () => {
    expect([isFree(given, "a", 800), isFree(given, "b", 800), isFree(given, "b", 1500)]).toEqual([true, false, true]);
  });
});
