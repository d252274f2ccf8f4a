import { leaseReplySchema, messageOf, nodeAssignmentSchema, Revert, version } from "@vfleet/shared";
import type {
  AgentConfig,
  CommandMessage,
  Environment,
  HostVersions,
  Logger,
  NodeReport,
  NodeTelemetry,
  ServerReport,
} from "@vfleet/shared";
import { Engine } from "./engine/engine.ts";
import { nodeInfo, nodeResources, readHostVersions } from "./engine/host-facts.ts";
import { MigratabilityWatch } from "./engine/runtime/migratability-watch.ts";
import { Fencing } from "./fencing/fencing.ts";
import { unfenced } from "./fencing/unfenced.ts";
import { Layout } from "./engine/layout.ts";
import { ImageStore } from "./engine/image/image-store.ts";
import { imageOpener } from "./engine/image/image-stream.ts";
import { bootId } from "./link/boot-id.ts";
import { type AgentConnection, ControllerLink } from "./link/controller-link.ts";
import type { CheckpointSessions } from "./link/checkpoint-sessions.ts";
import type { MigrationSessions } from "./link/migration-sessions.ts";
import { PeerListener, type PeerListenerOptions } from "./link/peer-listener.ts";
import { AssignmentStore } from "./reconcile/assignment-store.ts";
import { NetworkFollower } from "./reconcile/network-follower.ts";
import { RecordStore } from "./reconcile/record-store.ts";
import { Reconciler } from "./reconcile/reconciler.ts";
import type { ServerLease } from "./reconcile/server-reconciler.ts";
import { TelemetrySampler } from "./telemetry/telemetry-sampler.ts";

/** What migrations are given of the agent. */
export interface AgentParts {
  config: AgentConfig;
  environment: Environment;
  log: Logger;
  engine: Engine;
  images: AgentImages;
  reconciler: Reconciler;
  link: ControllerLink;
  versions: HostVersions;
}

/** What checkpoints are given. */
export interface CheckpointParts extends Pick<
  AgentParts,
  "config" | "environment" | "log" | "engine" | "reconciler" | "versions"
> {
  isMigrating: (uid: string) => boolean;
  /** Called when what would be reported changed. */
  onChange: () => void;
}

export interface AgentOptions {
  config: AgentConfig;
  environment: Environment;
  log: Logger;
  createMigrations: (parts: AgentParts) => MigrationSessions;
  createCheckpoints: (parts: CheckpointParts) => CheckpointSessions;
}

const reportMs = 2000;
const telemetryMs = 5000;
/** Changes that come together are told together. */
const reportDelayMs = 20;
const syncRetryMs = 1000;

/** What an agent runs on: a host, or a simulated one. */
export interface AgentHost extends AgentOptions {
  /** None: nothing ends with the lease. */
  fencing?: AgentFencing;
  engine: Engine;
  versions: HostVersions;
  resources: Pick<NodeReport, "capacity" | "allocatable">;
  bootId: string;
  openImages(onChange: () => void): Promise<AgentImages>;
  watchMigratability(watch: {
    servers: () => ServerReport[];
    onChange: () => void;
  }): Pick<MigratabilityWatch, "open" | "close" | "withSeen">;
  /** For streams of servers to peers and to the controller. */
  listenForPeers(answers: Pick<PeerListenerOptions, "requireServer" | "checkpoints">): Promise<{ close(): void }>;
  sampleTelemetry(servers: ServerReport[]): Promise<NodeTelemetry>;
  /** None: NATS, as the configuration says. */
  connect?: () => Promise<AgentConnection>;
}

export type AgentImages = Pick<ImageStore, "ensure" | "reports" | "want">;

export type AgentFencing = ServerLease & Pick<Fencing, "keep" | "close"> & { report: () => NodeReport["lease"] };

export interface RunningAgent {
  /** Lets go of everything but the servers: they run on. */
  close(): Promise<void>;
}

/** Takes this host in hand, and starts the agent on it. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { config, environment, log } = options;
  const fencing = await Fencing.open({ config, folder: new Layout(config).fencingFolder, environment, log });
  const engine = new Engine({ config, environment, log });
  await engine.open();
  const [versions, resources] = await Promise.all([readHostVersions(config.programs), nodeResources(config)]);
  const telemetry = new TelemetrySampler({ config, engine, environment });
  return runAgent({
    ...options,
    fencing,
    engine,
    versions,
    resources,
    bootId: bootId(engine.layout.bootIdFile, environment),
    openImages: async (onChange) => {
      const { layout, volumes } = engine;
      const openImage = imageOpener(config.tls);
      const { scratchFolder } = layout;
      const images = new ImageStore({ config, scratchFolder, volumes, environment, log, openImage, onChange });
      await images.open();
      return images;
    },
    watchMigratability: (watch) =>
      new MigratabilityWatch({ config, runtime: engine.runtime, environment, log, ...watch }),
    listenForPeers: async (answers) => {
      const listener = new PeerListener({ config, engine, environment, log, ...answers });
      await listener.listen();
      return listener;
    },
    sampleTelemetry: (servers) => telemetry.sample(servers),
  });
}

/** Puts the parts together and starts them, in this order: leftovers of checkpoints and migrations, servers, listener, controller. */
export async function runAgent(host: AgentHost): Promise<RunningAgent> {
  const { config, environment, log, engine, fencing = unfenced, versions, bootId: boot } = host;
  const closing = new Revert();
  let isReportDue = false;
  /** Of the lease, in which the controller was asked for the assignment and answered. */
  let syncedTerm: string | undefined;
  const onChange = () => {
    if (isReportDue) return;
    isReportDue = true;
    void environment.sleep(reportDelayMs).then(report);
  };

  const images = await host.openImages(() => {
    onChange();
    reconciler.wakeAll();
  });
  const reconciler = new Reconciler({
    engine,
    images,
    records: new RecordStore(engine.layout.recordsFolder, engine.disk, (record) => fencing.follow(record)),
    assignments: new AssignmentStore(engine.layout.assignmentFile, engine.disk),
    environment,
    log,
    bootId: boot,
    lease: fencing,
    isMigrating: (uid) => isMigrating(uid),
    onChange,
  });
  const network = new NetworkFollower({
    driver: engine.network,
    file: engine.layout.networkFile,
    disk: engine.disk,
    environment,
    log,
  });
  const { connect } = host;
  const link = new ControllerLink({
    config,
    environment,
    log,
    onCommand,
    onNetwork: (update) => network.apply(update),
    onConnected: () => void sync(),
    ...(connect === undefined ? {} : { connect }),
  });
  const isMigrating = (uid: string) => migrations.isActive(uid);
  const parts = { config, environment, log, engine, reconciler, versions };
  const migrations = host.createMigrations({ ...parts, images, link });
  const checkpoints = host.createCheckpoints({ ...parts, isMigrating, onChange });
  const migratability = host.watchMigratability({ servers: () => reconciler.reports(), onChange });
  await reconciler.load();
  await checkpoints.recover();
  await migrations.recover();
  closing.add("migrations", () => migrations.close());
  await reconciler.open();
  await network.open();
  closing.add("reconciler", () => reconciler.close());
  migratability.open();
  closing.add("migratability", () => migratability.close());
  const listener = await host.listenForPeers({
    requireServer: (uid) => void reconciler.assigned(uid),
    checkpoints,
  });
  closing.add("listener", () => listener.close());
  link.open();
  closing.add("link", () => link.close());
  fencing.keep(askForLease, onLease);
  closing.add("lease", () => fencing.close());
  closing.add("reports", environment.every(reportMs, report));
  closing.add(
    "telemetry",
    environment.every(telemetryMs, () => void sampleTelemetry()),
  );
  log.info({ node: config.node, bootId: boot, criu: versions.criu, runc: versions.runc }, "agent started");

  return {
    close: async () => {
      const failures = await closing.revert();
      if (failures.length > 0) log.warn({ failures }, "agent not closed cleanly");
    },
  };

  async function onCommand(command: CommandMessage): Promise<unknown> {
    switch (command.kind) {
      case "assign":
        // One that was on its way while the lease ran out may be older than what became of the servers since.
        return reconciler.apply(command.assignment, syncedTerm === fencing.term ? syncedTerm : undefined);
      case "network":
        return network.apply(command.update);
      case "migration.prepare-target":
        return migrations.prepareTarget(command);
      case "migration.start-source":
        checkpoints.requireFree(command.uid);
        return migrations.startSource(command);
      case "migration.cancel":
        return migrations.cancel(command.operation, command.reason);
      case "migration.outcome":
        return migrations.outcome(command.operation, command.outcome);
      case "checkpoint.take":
        return checkpoints.take(command);
      case "checkpoint.restore":
        return checkpoints.restore(command);
      case "checkpoint.delete":
        return checkpoints.delete(command);
      case "checkpoint.offer":
        return checkpoints.offer(command);
      case "checkpoint.pull":
        return checkpoints.pull(command);
      case "checkpoint.describe":
        return checkpoints.describe(command);
      default:
        throw new Error("A command that the schema lets through is not handled");
    }
  }

  async function askForLease(): Promise<number> {
    return (await link.request({ kind: "heartbeat" }, leaseReplySchema)).leaseMs;
  }

  function onLease(): void {
    reconciler.leaseChanged();
    if (fencing.term !== undefined) void sync();
  }

  /**
   * Asks for the whole assignment until there is one: commands that were missed don't come again. Where a newer one was faster, nobody would
   * say once more that it is of this term.
   */
  async function sync(): Promise<void> {
    while (link.isConnected) {
      report();
      const { term } = fencing;
      try {
        const isApplied = await reconciler.apply(
          await link.request({ kind: "sync", ...(term === undefined ? {} : { term }) }, nodeAssignmentSchema),
          term,
        );
        // Else that of an earlier term, in which it was asked while another one began, would count as the last.
        if (isApplied && term === fencing.term) {
          syncedTerm = term;
          return;
        }
      } catch (thrown) {
        log.info({ reason: messageOf(thrown) }, "controller did not answer yet");
      }
      await environment.sleep(syncRetryMs);
    }
  }

  function report(): void {
    isReportDue = false;
    link.report(nodeReport());
  }

  function leaseReport(): Pick<NodeReport, "lease"> {
    const lease = fencing.report();
    return lease === undefined ? {} : { lease };
  }

  function nodeReport(): NodeReport {
    return {
      node: config.node,
      bootId: boot,
      agentVersion: version,
      endpoint: { host: config.underlay.address, port: config.underlay.port },
      underlayAddress: config.underlay.address,
      labels: config.labels,
      ...host.resources,
      info: nodeInfo(versions),
      conditions: [{ type: "Ready", status: "True", reason: "AgentReady", message: "The agent is running" }],
      assignmentRevision: reconciler.assignmentRevision,
      network: network.state,
      servers: reconciler.reports().map((server) => migratability.withSeen(server)),
      ...leaseReport(),
      images: images.reports(),
      ...checkpoints.reports(),
    };
  }

  async function sampleTelemetry(): Promise<void> {
    if (!link.isConnected) return;
    try {
      link.telemetry(await host.sampleTelemetry(reconciler.reports()));
    } catch (thrown) {
      log.warn({ err: thrown }, "telemetry not sampled");
    }
  }
}
