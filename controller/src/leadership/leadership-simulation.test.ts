import { expect, test } from "vitest";
import type { LeadershipEvent, LeadershipState } from "./leadership-step.ts";
import { firstState, leadershipStep } from "./leadership-step.ts";
import { rulesOf, voteMsOf } from "./leadership-rules.ts";
import type { VoteState } from "./vote-step.ts";
import { isFree, voteStep } from "./vote-step.ts";

const leaseMs = 1500;
const tickMs = 50;
/** How long things go wrong, and how long it may then take until somebody leads. */
const faultsMs = 30_000;
const calmMs = 8000;

type Message = { type: "ask" | "release" | "vote"; from: number; candidate: string; round: number };

/** One controller: its own clock, and what it has in memory. */
interface Member {
  id: number;
  /** Its clock runs so much faster, and started so much earlier. */
  rate: number;
  offsetMs: number;
  life: number;
  vote: VoteState;
  leadership: LeadershipState;
  pausedUntilMs: number;
}

/** Members, messages that are late, lost, doubled and out of order, pauses and deaths: all of one seed. */
class Simulation {
  readonly #random: () => number;
  readonly #members: Member[];
  #events: { atMs: number; act: () => void }[] = [];
  #nowMs = 0;
  #isCalm = false;
  wins = 0;

  constructor(seed: number, members: number) {
    this.#random = mulberry32(seed);
    this.#members = Array.from({ length: members }, (_, id) => ({
      id,
      rate: 0.97 + 0.06 * this.#random(),
      offsetMs: 1e6 * this.#random(),
      life: 0,
      vote: { quietUntilMs: 0 },
      leadership: firstState,
      pausedUntilMs: 0,
    }));
    for (const member of this.#members) {
      this.#start(member);
      this.#tick(member);
    }
    this.#trouble();
  }

  /** How many believe at this moment that they lead. */
  get leaders(): number {
    return this.#members.filter((member) => {
      const { role, untilMs } = member.leadership;
      return role === "leader" && this.#clock(member) < untilMs;
    }).length;
  }

  calm(): void {
    this.#isCalm = true;
  }

  runUntil(endMs: number, look: () => void): void {
    for (;;) {
      const next = this.#events.reduce((first, event) => (event.atMs < first.atMs ? event : first));
      if (next.atMs > endMs) return;
      this.#events = this.#events.filter((event) => event !== next);
      this.#nowMs = next.atMs;
      next.act();
      look();
    }
  }

  #clock({ rate, offsetMs }: Member): number {
    return offsetMs + this.#nowMs * rate;
  }

  #after(ms: number, act: () => void): void {
    this.#events.push({ atMs: this.#nowMs + ms, act });
  }

  #start(member: Member): void {
    member.life++;
    member.vote = { quietUntilMs: this.#clock(member) + voteMsOf(leaseMs) };
    member.leadership = firstState;
  }

  #candidateOf({ id, life }: Member): string {
    return `${id}/${life}`;
  }

  #tick(member: Member): void {
    this.#after(tickMs * (0.9 + 0.2 * this.#random()), () => this.#tick(member));
    if (this.#nowMs < member.pausedUntilMs) return;
    const free = isFree(member.vote, this.#candidateOf(member), this.#clock(member));
    this.#step(member, { type: "tick", isFree: free, random: this.#random() });
  }

  #step(member: Member, event: LeadershipEvent): void {
    const rules = rulesOf({ leaseMs, members: this.#members.length, rank: member.id });
    const { state, actions } = leadershipStep(member.leadership, event, { rules, nowMs: this.#clock(member) });
    member.leadership = state;
    for (const { type, round } of actions) {
      if (type === "won") this.wins++;
      if (type === "lost") this.#start(member);
      if (type !== "ask" && type !== "release") continue;
      const message: Message = { type, from: member.id, candidate: this.#candidateOf(member), round };
      for (const to of this.#members) {
        if (to === member) this.#receive(to, message);
        else this.#send(to, message);
      }
    }
  }

  #send(to: Member, message: Message): void {
    const lossShare = this.#isCalm ? 0 : 0.15;
    if (this.#random() < lossShare) return;
    const isLate = !this.#isCalm && this.#random() < 0.1;
    this.#after(isLate ? 4000 * this.#random() : 20 * this.#random(), () => this.#receive(to, message));
    if (!this.#isCalm && this.#random() < 0.05) this.#after(3000 * this.#random(), () => this.#receive(to, message));
  }

  #receive(to: Member, message: Message): void {
    if (this.#nowMs < to.pausedUntilMs) {
      this.#after(to.pausedUntilMs - this.#nowMs, () => this.#receive(to, message));
      return;
    }
    const { type, candidate, round, from } = message;
    if (type === "vote") {
      if (candidate === this.#candidateOf(to)) this.#step(to, { type: "vote", member: String(from), round });
      return;
    }
    const ballot = { candidate, round };
    const event =
      type === "ask"
        ? ({ type: "asked", ballot, voteMs: voteMsOf(leaseMs) } as const)
        : { type: "released" as const, ballot };
    const { state, isGranted } = voteStep(to.vote, event, this.#clock(to));
    to.vote = state;
    if (!isGranted) return;
    const asker = this.#members[from];
    if (asker === undefined) return;
    const answer: Message = { type: "vote", from: to.id, candidate, round };
    if (asker === to) this.#receive(to, answer);
    else this.#send(asker, answer);
  }

  /** Somebody pauses, or dies and starts again. */
  #trouble(): void {
    this.#after(1500 * this.#random(), () => this.#trouble());
    const member = this.#members[Math.floor(this.#random() * this.#members.length)];
    if (this.#isCalm || member === undefined) return;
    if (this.#random() < 0.5) member.pausedUntilMs = this.#nowMs + 3000 * this.#random();
    else {
      member.pausedUntilMs = this.#nowMs + 1000 * this.#random();
      this.#start(member);
    }
  }
}

test.each([3, 5])("of %i members never two lead, and one does once things are calm, in 60 seeded runs", (members) => {
  let wins = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const simulation = new Simulation(seed, members);
    let most = 0;
    const look = () => {
      most = Math.max(most, simulation.leaders);
    };
    simulation.runUntil(faultsMs, look);
    simulation.calm();
    simulation.runUntil(faultsMs + calmMs, look);
    expect({ seed, most, leadersAtTheEnd: simulation.leaders }).toEqual({ seed, most: 1, leadersAtTheEnd: 1 });
    wins += simulation.wins;
  }
  // Else nothing was tried.
  expect(wins).toBeGreaterThan(200);
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
