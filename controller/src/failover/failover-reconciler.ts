import type { VirtualServer } from "@vfleet/shared";
import { checkpointKind, imageKind, messageOf, nodeKind, timestamp, virtualServerKind } from "@vfleet/shared";
import type { OwnershipRecord } from "../ownership/record.ts";
import type { ReconcileContext } from "../reconcile/context.ts";
import { keyOf, objectKeyOf } from "../reconcile/context.ts";
import type { Candidate } from "../scheduler/placement.ts";
import { demandOf } from "../scheduler/placement.ts";
import { schedule, type Choice } from "../scheduler/schedule.ts";
import type { FailoverNode, FailoverState } from "./failover-step.ts";
import { failoverStep, noFailover } from "./failover-step.ts";
import { PendingRestores } from "./pending-restores.ts";
import { restoreSources } from "./restore-sources.ts";
import type { FateView, Left, Place, Wish } from "./server-fate.ts";
import { failoverPlace, failoverWish } from "./server-fate.ts";

const lookMs = 500;
/** A look that comes later than this was not this controller's doing: it has heard nobody meanwhile. */
const stallMs = 3000;
const noRoomAgainMs = 5000;
const zoneLabel = "topology.kubernetes.io/zone";
const outOfServiceTaint = "node.kubernetes.io/out-of-service";

interface Subject {
  server: VirtualServer;
  owner: OwnershipRecord;
  wish: Wish;
}

/** Takes servers over from lost nodes: what `failoverStep` says of nodes, `failoverWish` and `failoverPlace` of each server. */
export class FailoverReconciler {
  readonly #context: ReconcileContext;
  readonly #enqueueServer: (key: string) => void;
  readonly #restores: PendingRestores;
  readonly #noRoomUntilMs = new Map<string, number>();
  readonly #told = new Set<string>();
  #state: FailoverState = noFailover;
  #lookedAtMs: number | undefined;

  constructor(context: ReconcileContext, enqueueServer: (key: string) => void) {
    this.#context = context;
    this.#enqueueServer = enqueueServer;
    this.#restores = new PendingRestores(context);
  }

  async reconcile(): Promise<number> {
    const { environment, presence, config, failoverMetrics } = this.#context;
    const nowMs = environment.monotonicMs();
    if (nowMs - (this.#lookedAtMs ?? nowMs) > stallMs) presence.listening(presence.isListening);
    this.#lookedAtMs = nowMs;
    if (!presence.isListening) return lookMs;
    const subjects = new Map<string, Subject[]>();
    const { state, held, brake } = failoverStep(this.#state, {
      nowMs,
      nodes: this.#nodes(subjects),
      graceMs: config.failover.graceMs,
      unhealthyAfterMs: config.heartbeat.graceMs,
    });
    this.#tellNodes(state, held, subjects);
    this.#state = state;
    failoverMetrics.brake(brake.fleet, held.length);
    this.#note(subjects, new Map(held.map(({ node, mode }) => [node, mode])));
    const work = [...state.acting].flatMap((node) => subjects.get(node) ?? []);
    await Promise.all(work.map((subject) => this.#takeOver(subject)));
    await this.#restores.look();
    // What one look takes is not a pause of this controller.
    this.#lookedAtMs = environment.monotonicMs();
    return lookMs;
  }

  /** Those not heard of for long enough also with what is to become of their servers. */
  #nodes(subjects: Map<string, Subject[]>): FailoverNode[] {
    const { fleet, presence, store, config } = this.#context;
    return fleet.candidates.map(({ name, labels }) => {
      const silentMs = presence.silentMs(name);
      const isSilent = silentMs > config.heartbeat.graceMs;
      const told = isSilent ? store.get(nodeKind, { name })?.status?.fleet?.lease?.durationMs : undefined;
      const leaseMs = Math.max(config.failover.leaseMs, told ?? 0);
      if (silentMs > leaseMs + config.failover.graceMs) subjects.set(name, this.#subjectsOn(name));
      const servers = (subjects.get(name) ?? []).filter(({ wish }) => !("left" in wish)).length;
      return { name, zone: labels[zoneLabel] ?? "", silentMs, leaseMs, servers };
    });
  }

  #subjectsOn(node: string): Subject[] {
    const { ownership, store, fleet } = this.#context;
    const taints = store.get(nodeKind, { name: node })?.spec.taints ?? [];
    const isOutOfService = taints.some(({ key }) => key === outOfServiceTaint);
    return [...ownership.ownedBy(node)].flatMap((uid) => {
      const key = fleet.serverOf(uid);
      const server = key === undefined ? undefined : store.get(virtualServerKind, objectKeyOf(key));
      const owner = ownership.get(uid);
      if (key === undefined || server === undefined || owner === undefined) return [];
      const sources = () => this.#sources(server);
      const isImageThere = this.#isImageThere(server);
      const view: FateView = { server, owner, isMoving: fleet.isMoving(key), isOutOfService, isImageThere, sources };
      return [{ server, owner, wish: failoverWish(view) }];
    });
  }

  #isImageThere({ spec }: VirtualServer): boolean {
    const { store, presence } = this.#context;
    const nodes = store.get(imageKind, { name: spec.image })?.status?.nodes ?? [];
    const isAlive = (node: string) => presence.of(node) === "alive";
    // Where none is there at all that is the brake's to say.
    return nodes.some(isAlive) || !presence.nodes().some(isAlive);
  }

  #sources({ metadata: { uid = "", namespace } }: VirtualServer) {
    const { store, presence } = this.#context;
    const has = (node: string, checkpoint: string) =>
      presence.of(node) === "alive" &&
      presence.report(node)?.checkpoints.some((one) => one.checkpoint === checkpoint && one.phase === "Ready") === true;
    return restoreSources({
      uid,
      checkpoints: store.list(checkpointKind, { namespace }).items,
      holders: (checkpoint) => presence.nodes().filter((node) => has(node, checkpoint)),
    });
  }

  async #takeOver({ server, owner, wish }: Subject): Promise<void> {
    const { environment, fleet, log } = this.#context;
    const key = keyOf(server);
    if ("left" in wish || (this.#noRoomUntilMs.get(key) ?? 0) > environment.monotonicMs()) return;
    const place = failoverPlace({ server, owner }, wish, (among) => this.#choose(server, owner, among));
    if ("left" in place) {
      this.#noRoomUntilMs.set(key, environment.monotonicMs() + noRoomAgainMs);
      return this.#explain(server, place.left);
    }
    const settle = fleet.assumeMove(key, place.node);
    try {
      await this.#decide(server, owner, place);
    } catch (thrown) {
      log.warn({ server: owner.uid, error: messageOf(thrown) }, "not taken over; tried again");
    } finally {
      settle();
    }
  }

  #choose(server: VirtualServer, owner: OwnershipRecord, among: readonly string[] | undefined): Choice {
    const { fleet, presence, search } = this.#context;
    const excluded = new Map([[owner.node, "lost"]]);
    // What an earlier stay left has to be gone first: it would be taken for the server's own.
    for (const holder of presence.holdersOf(owner.uid))
      if (holder !== owner.node) excluded.set(holder, "still holding it");
    const isAmong = ({ name }: Candidate) => among === undefined || among.includes(name);
    for (const candidate of fleet.candidates)
      if (!isAmong(candidate) && !excluded.has(candidate.name)) excluded.set(candidate.name, "without its checkpoint");
    return schedule(fleet.candidates, demandOf(server), excluded, among === undefined ? search : undefined);
  }

  async #decide(server: VirtualServer, owner: OwnershipRecord, place: Exclude<Place, { left: Left }>): Promise<void> {
    const { ownership, store, environment, events, failoverMetrics, failoverNotes } = this.#context;
    const { node, source, lost } = place;
    const result = await ownership.takeOver(owner.uid, {
      id: environment.id(),
      seen: { node: owner.node, epoch: owner.epoch, term: owner.term },
      target: node,
      failover: {
        at: timestamp(environment),
        lost,
        ...(source === undefined ? {} : { checkpoint: source.checkpoint }),
      },
    });
    if (result.outcome === "refused") return failoverMetrics.count("refused");
    failoverNotes.delete(owner.uid);
    failoverMetrics.count(source === undefined ? "restarted" : "restored");
    events.record(server, {
      type: "Warning",
      reason: "TakenOver",
      message: `${owner.node} was lost, ${server.metadata.name} goes to ${node}: ${lost}`,
    });
    await store.mutate(
      virtualServerKind,
      server.metadata,
      (draft) => {
        if (draft.metadata.uid !== owner.uid) return false;
        draft.status = { ...draft.status, nodeName: node, epoch: owner.epoch + 1, phase: "Starting" };
        return undefined;
      },
      { scope: "status" },
    );
  }

  #tellNodes(
    state: FailoverState,
    held: readonly { node: string; mode: string }[],
    subjects: ReadonlyMap<string, readonly Subject[]>,
  ): void {
    for (const node of state.acting) {
      if (this.#state.acting.has(node)) continue;
      const servers = (subjects.get(node) ?? []).filter(({ wish }) => !("left" in wish)).length;
      this.#tellNode(node, "NodeLost", `Lease and grace are over: ${servers} of its servers are taken over`);
    }
    const now = new Set(held.map(({ node }) => node));
    for (const { node, mode } of held) {
      if (this.#told.has(node)) continue;
      this.#tellNode(node, "FailoverHeld", heldMessage(mode));
    }
    this.#told.clear();
    for (const node of now) this.#told.add(node);
  }

  #tellNode(name: string, reason: string, message: string): void {
    const { store, events, log } = this.#context;
    log.warn({ node: name, reason }, message);
    const node = store.get(nodeKind, { name });
    if (node !== undefined) events.record(node, { type: "Warning", reason, message });
  }

  /** Why each server of a lost node is where it is. */
  #note(subjects: ReadonlyMap<string, readonly Subject[]>, held: ReadonlyMap<string, string>): void {
    const { failoverNotes } = this.#context;
    const lost = new Set([...subjects.values()].flat().map(({ owner }) => owner.uid));
    for (const uid of failoverNotes.keys()) if (!lost.has(uid)) failoverNotes.delete(uid);
    for (const [node, all] of subjects) {
      const mode = held.get(node);
      for (const { server, wish } of all) {
        if ("left" in wish) this.#explain(server, wish.left);
        else if (mode !== undefined) this.#explain(server, { message: heldMessage(mode) });
      }
    }
  }

  #explain(server: VirtualServer, { message }: Pick<Left, "message">): void {
    const { failoverNotes } = this.#context;
    const uid = server.metadata.uid ?? "";
    if (failoverNotes.get(uid) === message) return;
    failoverNotes.set(uid, message);
    this.#enqueueServer(keyOf(server));
  }
}

function heldMessage(mode: string): string {
  return mode === "stopped"
    ? "so many nodes are silent that none is acted upon"
    : "other lost nodes are acted upon first";
}
