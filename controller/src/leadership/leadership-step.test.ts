import { describe, expect, test } from "vitest";
import type { LeadershipEvent, LeadershipState } from "./leadership-step.ts";
import { firstState, leadershipStep } from "./leadership-step.ts";

const rules = { members: 3, leaseMs: 1500, renewMs: 300, answersMs: 400, delayMs: 100 };
const tick = (atMs: number, isFree = true) => ({ type: "tick", isFree, random: 0.5, atMs }) as const;
const vote = (member: string, round: number, atMs: number) => ({ type: "vote", member, round, atMs }) as const;

const candidate: LeadershipState = { ...firstState, role: "candidate", round: 1, askedAtMs: 1000, dueMs: 1400 };
const halfway: LeadershipState = { ...candidate, votes: new Set(["a"]) };
const leader: LeadershipState = { ...halfway, role: "leader", votes: new Set(["a", "b"]), dueMs: 1300, untilMs: 2500 };
const renewing: LeadershipState = { ...leader, round: 2, askedAtMs: 1300, votes: new Set(["a"]), dueMs: 1600 };
const ended: LeadershipState = { ...leader, role: "ended", untilMs: 0 };

type Expected = Partial<LeadershipState> & { does?: readonly string[] };

describe("leadership", () => {
  test.each<[string, LeadershipState, LeadershipEvent & { atMs: number }, Expected]>([
    ["a standby waits while its own vote is another's", firstState, tick(1000, false), { dueMs: 1100 }],
    ["and lets others go first", { ...firstState, dueMs: 1100 }, tick(1099), { role: "standby" }],
    ["then asks", { ...firstState, dueMs: 1000 }, tick(1000), { ...candidate, does: ["ask 1"] }],
    ["a vote for a standby is nothing", firstState, vote("a", 0, 1000), firstState],
    ["a candidate waits for votes", candidate, tick(1399), candidate],
    ["its own is not enough", candidate, vote("a", 1, 1001), halfway],
    ["nor the same one twice", halfway, vote("a", 1, 1001), halfway],
    ["nor one of an earlier round", halfway, vote("b", 0, 1001), halfway],
    ["more than half make a leader", halfway, vote("b", 1, 1002), { ...leader, does: ["won 1"] }],
    ["but not when they come too late", halfway, vote("b", 1, 2500), { role: "candidate" }],
    ["with too few it gives them back", halfway, tick(1400), { role: "standby", dueMs: 1800, does: ["release 1"] }],
    ["a leader goes on", leader, tick(1299), leader],
    ["asks again in time", leader, tick(1300), { round: 2, askedAtMs: 1300, untilMs: 2500, does: ["ask 2"] }],
    ["repeats what may be answered slowly", renewing, tick(1600), { round: 2, askedAtMs: 1300, does: ["ask 2"] }],
    ["asks anew when that takes too long", renewing, tick(2050), { round: 3, askedAtMs: 2050, does: ["ask 3"] }],
    ["counts from before it asked", renewing, vote("c", 2, 1500), { role: "leader", untilMs: 2800 }],
    ["has lost at the end of its time", renewing, tick(2500), { role: "ended", untilMs: 0, does: ["lost 2"] }],
    ["and isn't saved by a late vote", renewing, vote("c", 2, 2500), { role: "leader", untilMs: 2500 }],
    ["resigning gives the votes back", leader, { type: "resign", atMs: 1100 }, { role: "ended", does: ["release 1"] }],
    ["as a standby, too", firstState, { type: "resign", atMs: 1100 }, { role: "ended", does: ["release 0"] }],
    ["an ended one never asks again", ended, tick(9000), ended],
    ["nor leads by a vote", ended, vote("c", 1, 1100), ended],
  ])("%s", (_what, state, { atMs, ...event }, { does = [], ...expected }) => {
    const stepped = leadershipStep(state, event, { rules, nowMs: atMs });
    expect(stepped.state).toMatchObject(expected);
    expect(stepped.actions.map(({ type, round }) => `${type} ${round}`)).toEqual(does);
  });
});
