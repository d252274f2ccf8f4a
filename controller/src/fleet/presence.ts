import type { Environment, NodeReport, NodeTelemetry, ServerReport } from "@vfleet/shared";
import { ClockOffsets } from "./clock-offsets.ts";

/** `unheard`: not yet, since this controller started; it may be well. `lost`: not for longer than the grace. */
export type Presence = "alive" | "unheard" | "lost";

interface Heard {
  report: NodeReport;
  atMs: number;
}

const neverMs = Number.NEGATIVE_INFINITY;

/** The same object twice: the node says nothing new. */
export type ReportListener = (report: NodeReport, previous: NodeReport | undefined) => void;

/** What every node said last, and when. In memory only: reports and samples are whole, and the next one is seconds away. */
export class FleetPresence {
  readonly #environment: Environment;
  readonly #graceMs: number;
  readonly #startedAtMs: number;
  /** Silence before this says nothing: nobody could be heard. */
  #listeningSinceMs: number;
  #isListening = true;
  readonly #heartbeats = new Map<string, number>();
  readonly #heard = new Map<string, Heard>();
  readonly #usage = new Map<string, NodeTelemetry>();
  readonly #memory = new Map<string, { node: string; bytes: number }>();
  readonly #clocks = new ClockOffsets();
  readonly #refusals = new Map<string, string>();
  /** uid to the nodes that said they hold it. */
  readonly #holders = new Map<string, Set<string>>();
  readonly #listeners = new Set<ReportListener>();

  constructor(environment: Environment, graceMs: number) {
    this.#environment = environment;
    this.#graceMs = graceMs;
    this.#startedAtMs = environment.monotonicMs();
    this.#listeningSinceMs = this.#startedAtMs;
  }

  hear(report: NodeReport): void {
    const previous = this.#heard.get(report.node)?.report;
    this.#refusals.delete(report.node);
    this.#heard.set(report.node, { report, atMs: this.#environment.monotonicMs() });
    if (report !== previous) this.#remember(report, previous);
    for (const listener of this.#listeners) listener(report, previous);
  }

  /** A report that is not taken: its node is as good as silent. */
  refuse(node: string, reason: string): void {
    this.#refusals.set(node, reason);
  }

  refusalOf(node: string): string | undefined {
    return this.#refusals.get(node);
  }

  /** A node asks for its lease. */
  hearHeartbeat(node: string): void {
    this.#heartbeats.set(node, this.#environment.monotonicMs());
  }

  /** Nobody can be heard, or again: how long each was silent is counted anew. */
  listening(isListening: boolean): void {
    this.#isListening = isListening;
    this.#listeningSinceMs = this.#environment.monotonicMs();
  }

  get isListening(): boolean {
    return this.#isListening;
  }

  /** How long nothing was heard of a node that could have been heard: neither a report nor that it asked for its lease. */
  silentMs(node: string): number {
    const heartbeatMs = this.#heartbeats.get(node) ?? neverMs;
    return Math.min(this.#unreportedMs(node), this.#environment.monotonicMs() - heartbeatMs);
  }

  #unreportedMs(node: string): number {
    const reportMs = this.#heard.get(node)?.atMs ?? neverMs;
    return this.#environment.monotonicMs() - Math.max(reportMs, this.#listeningSinceMs);
  }

  hearUsage(telemetry: NodeTelemetry): void {
    const { node } = telemetry;
    this.#clocks.hear(node, telemetry.atMs, this.#environment.nowMs());
    for (const { uid } of this.#usage.get(node)?.servers ?? [])
      if (this.#memory.get(uid)?.node === node) this.#memory.delete(uid);
    // Which of two nodes spoke last is known here; what their clocks say of it may be minutes apart.
    for (const { uid, usage } of telemetry.servers) this.#memory.set(uid, { node, bytes: usage.memoryBytes });
    this.#usage.set(node, telemetry);
  }

  /** The last sample. */
  usage(node: string): NodeTelemetry | undefined {
    return this.#usage.get(node);
  }

  /** By how much a node's clock is ahead of this machine's; none: not known. */
  clockOffsetMs(node: string): number | undefined {
    return this.#clocks.of(node);
  }

  /** Memory that a server uses, by the last sample heard of any node: it takes what it uses with it. None: nobody has said. */
  memoryBytes(uid: string): number | undefined {
    return this.#memory.get(uid)?.bytes;
  }

  onReport(listener: ReportListener): void {
    this.#listeners.add(listener);
  }

  report(node: string): NodeReport | undefined {
    return this.#heard.get(node)?.report;
  }

  serverReport(node: string, uid: string): ServerReport | undefined {
    return this.report(node)?.servers.find((server) => server.uid === uid);
  }

  /** Nodes that said they hold a server, alive or not. */
  holdersOf(uid: string): string[] {
    return [...(this.#holders.get(uid) ?? [])];
  }

  of(node: string): Presence {
    if (this.#unreportedMs(node) > this.#graceMs) return "lost";
    return this.#heard.has(node) ? "alive" : "unheard";
  }

  nodes(): string[] {
    return [...this.#heard.keys()];
  }

  /** Milliseconds since this controller began to listen. */
  uptimeMs(): number {
    return this.#environment.monotonicMs() - this.#startedAtMs;
  }

  #remember({ node, servers }: NodeReport, previous: NodeReport | undefined): void {
    const held = new Set(servers.map(({ uid }) => uid));
    for (const { uid } of previous?.servers ?? []) {
      if (held.has(uid)) continue;
      const holders = this.#holders.get(uid);
      holders?.delete(node);
      if (holders?.size === 0) this.#holders.delete(uid);
    }
    for (const uid of held) {
      const holders = this.#holders.get(uid) ?? new Set();
      this.#holders.set(uid, holders.add(node));
    }
  }
}
