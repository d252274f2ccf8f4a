import { createHash } from "node:crypto";
import type {
  CommandMessage,
  MigrationProgress,
  NodeAssignment,
  NetworkUpdate,
  NodeReport,
  NodeResources,
  PrepareTarget,
  RequestMessage,
  ServerReport,
  StartSource,
} from "@vfleet/shared";
import {
  abortReplySchema,
  commandMessageSchema,
  commitReplySchema,
  messageOf,
  NetworkCopy,
  networkUpdateSchema,
  nodeInboxPrefix,
  replyError,
  replyOk,
  replySchema,
  resultOf,
  subjects,
  systemEnvironment,
} from "@vfleet/shared";
import type { Msg, NatsConnection } from "nats";
import type { z } from "zod";
import { type CheckpointCommand, SimulatedCheckpoints } from "./simulated-checkpoints.ts";

type Commit = z.infer<typeof commitReplySchema>;

export interface SimulatedAgentOptions {
  name: string;
  connection: NatsConnection;
  /** Other agents by name: what real ones reach over TLS, host to host. */
  peers: Map<string, SimulatedAgent>;
  memoryBytes?: number;
  labels?: Record<string, string>;
  /** Between two reports of which nothing new is said; default 200 ms. */
  reportEveryMs?: number;
  /** False: it follows the network map's versions only, so that thousands fit into one process. */
  keepsMap?: boolean;
}

const ioUring = { reason: "IoUring", message: "it uses io_uring (process 1)" } as const;

/**
 * An agent for tests: it runs nothing, but speaks the real protocol over a real NATS server and keeps the promises of a
 * real one (epochs, releases, the two gates of a move). Places where a test makes it wait or refuse are plain members.
 */
export class SimulatedAgent {
  readonly name: string;
  /** A move's target waits for this before it asks to commit. */
  beforeCommit: () => Promise<void> = async () => undefined;
  /** What a move's target says at its end: that it is done, nothing (the message was lost), or that the tasks died after the commit. */
  lastWord: "done" | "lost" | "died" = "done";
  /** A prepare command is refused with this. */
  refusePrepare: string | undefined;
  /** Names of servers in which it sees what can't be dumped. */
  readonly undumpable = new Set<string>();
  /** What it claims to have, other than what it was made with. */
  capacity: Partial<NodeResources> = {};
  /** Every server it ever ran: `uid@epoch`. */
  readonly ran = new Set<string>();
  readonly commits: Commit[] = [];
  readonly checkpoints = new SimulatedCheckpoints();
  readonly network = new NetworkCopy();
  assignment: NodeAssignment | undefined;

  readonly #options: SimulatedAgentOptions;
  readonly #servers = new Map<string, ServerReport>();
  readonly #images = new Map<string, string>();
  readonly #prepared = new Map<string, PrepareTarget>();
  readonly #started = new Set<string>();
  #stopReports: () => void = () => undefined;

  constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    this.name = options.name;
    options.peers.set(options.name, this);
  }

  start(): void {
    const { connection } = this.#options;
    connection.subscribe(subjects.command(this.name), { callback: (_error, message) => void this.#command(message) });
    connection.subscribe(subjects.network, {
      callback: (_error, message) => this.#follow(networkUpdateSchema.parse(message.json())),
    });
    this.#stopReports = systemEnvironment.every(this.#options.reportEveryMs ?? 200, () => this.report());
    this.report();
  }

  /** Silent from now on, as a host without power. */
  stop(): void {
    this.#stopReports();
    this.#options.peers.delete(this.name);
  }

  get servers(): ServerReport[] {
    return [...this.#servers.values()].map((server) =>
      this.undumpable.has(server.name) ? { ...server, migratable: { ok: false, reasons: [ioUring] } } : server,
    );
  }

  report(): void {
    const memoryBytes = this.#options.memoryBytes ?? 8 * 2 ** 30;
    const resources = { milliCpu: 4000, memoryBytes, diskBytes: 2 ** 36, servers: 100, ...this.capacity };
    const report: NodeReport = {
      node: this.name,
      bootId: "boot",
      agentVersion: "0.1.0",
      endpoint: { host: "127.0.0.1", port: 7443 },
      underlayAddress: underlayAddressOf(this.name),
      labels: this.#options.labels ?? { zone: "lab" },
      capacity: resources,
      allocatable: resources,
      info: {
        machineId: this.name,
        kernelVersion: "6.18",
        osImage: "Debian 12",
        architecture: "x86_64",
        runcVersion: "1.1.5",
        criuVersion: "4.2.1",
        dirtyTracking: false,
      },
      conditions: [],
      assignmentRevision: this.assignment?.revision ?? 0,
      network: this.network.state,
      servers: this.servers,
      images: [...this.#images].map(([name, digest]) => ({ name, phase: "Ready", digest, sizeBytes: 1000 })),
      ...this.checkpoints.reports(),
    };
    this.#options.connection.publish(subjects.report(this.name), JSON.stringify(report));
  }

  async ask<T>(request: RequestMessage, result: z.ZodType<T>): Promise<T> {
    const { connection } = this.#options;
    const reply = await connection.request(subjects.request(this.name), JSON.stringify(request), {
      timeout: 5000,
      noMux: true,
      reply: `${nodeInboxPrefix(this.name)}.${crypto.randomUUID()}`,
    });
    return resultOf(replySchema.parse(reply.json()), result);
  }

  async #command(message: Msg): Promise<void> {
    if (!this.#options.peers.has(this.name)) return;
    try {
      message.respond(JSON.stringify(replyOk(this.#obey(commandMessageSchema.parse(message.json())))));
    } catch (thrown) {
      message.respond(JSON.stringify(replyError(thrown)));
    }
  }

  #obey(command: CommandMessage): unknown {
    switch (command.kind) {
      case "assign":
        if (command.assignment.revision >= (this.assignment?.revision ?? 0)) this.#apply(command.assignment);
        return {};
      case "network":
        this.#follow(command.update);
        return {};
      case "migration.prepare-target":
        if (this.refusePrepare !== undefined) throw new Error(this.refusePrepare);
        this.#prepared.set(command.operation, command);
        return {
          ticket: "ticket",
          endpoint: { host: "127.0.0.1", port: 7443 },
          versions: {
            criu: "4.2.1",
            runc: "1.1.5",
            kernel: "6.18",
            architecture: "x86_64",
            cgroup: "v1",
            cpuFlags: [],
          },
        };
      case "migration.start-source":
        if (!this.#started.has(command.operation)) {
          this.#started.add(command.operation);
          void this.#move(command);
        }
        return {};
      case "migration.cancel":
      case "migration.outcome":
        break;
      case "checkpoint.take":
      case "checkpoint.restore":
      case "checkpoint.delete":
      case "checkpoint.describe":
      case "checkpoint.offer":
      case "checkpoint.pull":
        return this.#obeyCheckpoint(command);
    }
    return {};
  }

  #obeyCheckpoint(command: CheckpointCommand): object {
    const reply = this.checkpoints.obey(command, (uid) => this.#servers.get(uid)?.phase === "Running");
    const server = command.kind === "checkpoint.restore" ? this.#servers.get(command.uid) : undefined;
    if (server !== undefined) this.#servers.set(server.uid, { ...server, phase: "Running" });
    this.report();
    return reply;
  }

  #follow(update: NetworkUpdate): void {
    // One that doesn't keep the map keeps account of it all the same.
    this.network.apply(this.#options.keepsMap === false ? { ...update, peers: {}, servers: {} } : update);
  }

  #apply(assignment: NodeAssignment): void {
    this.assignment = assignment;
    for (const server of assignment.servers) {
      const held = this.#servers.get(server.uid);
      if (held !== undefined && held.epoch > server.epoch) continue;
      const isWaiting = server.awaitsRestore && held?.phase !== "Running";
      if (server.run && !isWaiting) this.ran.add(`${server.uid}@${server.epoch}`);
      const report = this.#reportOf(server, server.run ? "Running" : "Stopped");
      this.#servers.set(server.uid, isWaiting ? { ...report, phase: "Pending", reason: "AwaitingRestore" } : report);
    }
    for (const { uid, epoch } of assignment.releases)
      if ((this.#servers.get(uid)?.epoch ?? Number.POSITIVE_INFINITY) <= epoch) this.#servers.delete(uid);
    for (const image of assignment.images)
      this.#images.set(image.name, image.digest ?? `sha256:${createHash("sha256").update(image.name).digest("hex")}`);
    this.report();
  }

  #reportOf(server: PrepareTarget["server"], phase: ServerReport["phase"]): ServerReport {
    const { uid, namespace, name, epoch, generation, endsWithLease } = server;
    return {
      uid,
      namespace,
      name,
      epoch,
      phase,
      restarts: 0,
      observedGeneration: generation,
      endsWithLease,
      startedAtMs: 1_700_000_000_000,
    };
  }

  /** The source's side. */
  async #move(command: StartSource): Promise<void> {
    const say = (phase: MigrationProgress["phase"], more: Partial<MigrationProgress> = {}) =>
      this.#progress({ ...command, side: "source", phase, ...more });
    say("syncing", { movedBytes: 10, expectedBytes: 100 });
    say("frozen", { movedBytes: 100, expectedBytes: 100 });
    const target = this.#options.peers.get(command.target.node);
    const outcome =
      target === undefined ? await this.#abort(command, "the target is gone") : await target.receive(command);
    if (outcome === "committed") {
      this.#servers.delete(command.uid);
      this.report();
      say("done", {
        movedBytes: 100,
        expectedBytes: 100,
        memoryBytes: 80,
        volumeBytes: 20,
        wireBytes: 50,
        pauseMs: 42,
      });
    } else say("failed", { error: { code: "aborted", message: "the target did not commit" } });
  }

  /** The target's side: restores, asks to commit, and runs the server only when that was won. */
  async receive(move: { operation: string; uid: string }): Promise<"committed" | "aborted"> {
    const { operation } = move;
    const prepared = this.#prepared.get(operation);
    if (prepared === undefined) return this.#abort(move, "not prepared");
    const { uid, epoch } = prepared.server;
    const say = (phase: MigrationProgress["phase"]) => this.#progress({ operation, uid, side: "target", phase });
    say("restoring");
    try {
      await this.beforeCommit();
      const commit = await this.#commit(operation, uid, epoch);
      if (commit.outcome !== "committed") {
        say("failed");
        return "aborted";
      }
    } catch (thrown) {
      return this.#abort(move, messageOf(thrown));
    }
    this.ran.add(`${uid}@${epoch}`);
    say("cleaning");
    const isDead = this.lastWord === "died";
    if (isDead) say("failed");
    this.#servers.set(uid, { ...this.#reportOf(prepared.server, "Running"), restarts: isDead ? 1 : 0 });
    this.report();
    if (this.lastWord === "done") say("done");
    return "committed";
  }

  /** Until an answer comes: a controller that is away comes back. */
  async #commit(operation: string, uid: string, epoch: number): Promise<Commit> {
    for (let attempt = 1; ; attempt++) {
      try {
        const commit = await this.ask({ kind: "migration.commit", operation, uid, epoch }, commitReplySchema);
        this.commits.push(commit);
        return commit;
      } catch (thrown) {
        if (attempt === 50) throw thrown;
        await systemEnvironment.sleep(100);
      }
    }
  }

  async #abort(
    { operation, uid }: { operation: string; uid: string },
    reason: string,
  ): Promise<"committed" | "aborted"> {
    return (await this.ask({ kind: "migration.abort", operation, uid, reason }, abortReplySchema)).outcome;
  }

  #progress(
    progress: Pick<MigrationProgress, "operation" | "uid" | "side" | "phase"> & Partial<MigrationProgress>,
  ): void {
    const whole: MigrationProgress = {
      movedBytes: 0,
      expectedBytes: 0,
      memoryBytes: 0,
      volumeBytes: 0,
      wireBytes: 0,
      timeline: [{ step: progress.phase, atMs: 1 }],
      ...progress,
    };
    this.#options.connection.publish(subjects.progress(this.name), JSON.stringify(whole));
  }
}

/** `host-258` is 10.0.1.2. */
function underlayAddressOf(name: string): string {
  const number = Number(name.replaceAll(/\D/g, ""));
  return `10.0.${number >> 8}.${number & 255}`;
}
