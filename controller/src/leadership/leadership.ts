import type { ControllerConfig, Environment, Logger } from "@vfleet/shared";
import { messageOf } from "@vfleet/shared";
import type { Msg, NatsConnection, Subscription } from "nats";
import { z } from "zod";
import { rulesOf, voteMsOf } from "./leadership-rules.ts";
import type { LeadershipEvent, LeadershipRules } from "./leadership-step.ts";
import { firstState, leadershipStep } from "./leadership-step.ts";
import type { Ballot, VoteState } from "./vote-step.ts";
import { isFree, voteStep } from "./vote-step.ts";

export interface LeadershipOptions {
  config: NonNullable<ControllerConfig["leadership"]>;
  connection: NatsConnection;
  environment: Environment;
  log: Logger;
  /** Called once at most. */
  onWon: () => void;
  /** Called once at most, after `onWon`: whatever leads must end at once. */
  onLost: () => void;
}

const tickMs = 50;
const farewellMs = 500;
const ballotSchema = z.strictObject({ candidate: z.string().max(200), round: z.number().int().min(0) });
const answerSchema = z.object({ isGranted: z.boolean() });
const subjectOf = (what: "ask" | "release", member: string) => `vfleet.leadership.${what}.${member}`;

/** This process's part in who leads: it votes, and asks the others for their votes. Nothing of it is on a disk. */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #rules: LeadershipRules;
  readonly #candidate: string;
  #state = firstState;
  #vote: VoteState;
  #subscriptions: Subscription[] = [];
  #stopTicks: () => void = () => undefined;
  #hasNamesake = false;

  constructor(options: LeadershipOptions) {
    const { config, environment } = options;
    const { member, members, leaseMs } = config;
    this.#options = options;
    this.#rules = rulesOf({ leaseMs, members: members.length, rank: members.indexOf(member) });
    this.#candidate = `${member}/${environment.id()}`;
    this.#vote = { quietUntilMs: environment.monotonicMs() + voteMsOf(leaseMs) };
  }

  start(): void {
    const { connection, config, environment } = this.#options;
    const listen = (what: "ask" | "release", hear: (ballot: Ballot, message: Msg) => void) =>
      connection.subscribe(subjectOf(what, config.member), {
        callback: (error, message) => this.#hear(error, message, hear),
      });
    this.#subscriptions = [
      listen("ask", (ballot, message) => message.respond(JSON.stringify({ isGranted: this.#voteFor(ballot) }))),
      listen("release", (ballot) => this.#release(ballot)),
    ];
    this.#stopTicks = environment.every(tickMs, () => this.#tick());
  }

  /** By the clock, not by what was last looked at: a process that was stopped for a while leads no more when it goes on. */
  get isLeading(): boolean {
    const { role, untilMs } = this.#state;
    return role === "leader" && this.#options.environment.monotonicMs() < untilMs;
  }

  /** Lets another one lead at once. What leads must have ended. Resolves when the others have been told, or can't be. */
  async resign(): Promise<void> {
    const { connection, environment } = this.#options;
    this.#step({ type: "resign" });
    this.#stopTicks();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    if (connection.isClosed()) return;
    // A connection that is closed sends nothing of what it still has to send.
    await Promise.race([connection.flush().catch(() => undefined), environment.sleep(farewellMs)]);
  }

  #tick(): void {
    const { environment } = this.#options;
    const free = isFree(this.#vote, this.#candidate, environment.monotonicMs());
    this.#step({ type: "tick", isFree: free, random: environment.random() });
  }

  #step(event: LeadershipEvent): void {
    const { environment, log, onWon, onLost } = this.#options;
    const nowMs = environment.monotonicMs();
    const { untilMs } = this.#state;
    const { state, actions } = leadershipStep(this.#state, event, { rules: this.#rules, nowMs });
    this.#state = state;
    for (const { type, round } of actions) {
      if (type === "won") {
        log.info({ round }, "leadership won");
        onWon();
      } else if (type === "lost") {
        log.warn({ round, overdueMs: Math.round(nowMs - untilMs) }, "leadership lost");
        onLost();
      } else if (type === "ask") this.#ask(round);
      else this.#giveBack(round);
    }
  }

  #ask(round: number): void {
    const { config } = this.#options;
    for (const member of config.members) {
      if (member !== config.member) void this.#askMember(member, round);
      else if (this.#voteFor({ candidate: this.#candidate, round })) this.#step({ type: "vote", member, round });
    }
  }

  async #askMember(member: string, round: number): Promise<void> {
    const { connection, config, log } = this.#options;
    const ballot: Ballot = { candidate: this.#candidate, round };
    try {
      const reply = await connection.request(subjectOf("ask", member), JSON.stringify(ballot), {
        timeout: config.leaseMs,
      });
      if (answerSchema.parse(reply.json()).isGranted) this.#step({ type: "vote", member, round });
    } catch (thrown) {
      log.debug({ member, error: messageOf(thrown) }, "no vote");
    }
  }

  #giveBack(round: number): void {
    const { connection, config } = this.#options;
    const ballot: Ballot = { candidate: this.#candidate, round };
    this.#release(ballot);
    if (connection.isClosed()) return;
    for (const member of config.members)
      if (member !== config.member) connection.publish(subjectOf("release", member), JSON.stringify(ballot));
  }

  #voteFor(ballot: Ballot): boolean {
    const { config, environment, log } = this.#options;
    if (ballot.candidate.startsWith(`${config.member}/`) && ballot.candidate !== this.#candidate) {
      if (!this.#hasNamesake) log.error({ member: config.member }, "another controller has this one's name");
      this.#hasNamesake = true;
      return false;
    }
    const event = { type: "asked", ballot, voteMs: voteMsOf(config.leaseMs) } as const;
    const { state, isGranted } = voteStep(this.#vote, event, environment.monotonicMs());
    this.#vote = state;
    return isGranted;
  }

  #release(ballot: Ballot): void {
    this.#vote = voteStep(this.#vote, { type: "released", ballot }, this.#options.environment.monotonicMs()).state;
  }

  #hear(error: Error | null, message: Msg, hear: (ballot: Ballot, message: Msg) => void): void {
    const { log } = this.#options;
    if (error !== null) {
      log.error({ error: messageOf(error) }, "leadership subscription failed");
      return;
    }
    try {
      hear(ballotSchema.parse(message.json()), message);
    } catch (thrown) {
      log.warn({ subject: message.subject, error: messageOf(thrown) }, "ballot not understood");
    }
  }
}
