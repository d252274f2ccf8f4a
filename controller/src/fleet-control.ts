import type { ControllerConfig, Environment, Logger, NodeTelemetry } from "@vfleet/shared";
import { imageKind, nodeKind, Revert } from "@vfleet/shared";
import { Events, type NatsConnection } from "nats";
import type { Registry } from "prom-client";
import { EventRecorder } from "./events/event-recorder.ts";
import { answerAgent } from "./fleet/agent-requests.ts";
import type { AssignmentSources } from "./fleet/assignment.ts";
import { assignmentOf } from "./fleet/assignment.ts";
import { AssignmentPush } from "./fleet/assignment-push.ts";
import { epochOf, nextFirstRevision, openIncarnations } from "./fleet/incarnation.ts";
import { FleetLink, type Messenger } from "./fleet/link.ts";
import { NetworkPush } from "./fleet/network-push.ts";
import { NetworkWatch } from "./fleet/network-watch.ts";
import { FleetPresence } from "./fleet/presence.ts";
import { FailoverMetrics } from "./metrics/failover-metrics.ts";
import { MigrationMetrics } from "./metrics/migration-metrics.ts";
import { Ownership } from "./ownership/ownership.ts";
import { Reconcilers } from "./reconcile/reconcilers.ts";
import { AddressPool, IdBlockPool } from "./scheduler/addresses.ts";
import { FleetIndex } from "./scheduler/fleet-index.ts";
import { Search } from "./scheduler/search.ts";
import { Turns } from "./scheduler/turns.ts";
import type { ObjectStore } from "./store/object-store.ts";

export interface FleetControlOptions {
  config: Pick<ControllerConfig, "nats" | "overlay" | "idBlocks" | "heartbeat" | "failover" | "migration">;
  environment: Environment;
  log: Logger;
  connection: NatsConnection;
  store: ObjectStore;
  /** Gets the fleet's own metrics. */
  registry: Registry;
  /** Takes the agents' samples. */
  onTelemetry: (telemetry: NodeTelemetry) => void;
  /** What was taken lately. Rejects while it can't be read: only rebalancing waits. */
  samples: () => Promise<readonly NodeTelemetry[]>;
}

export interface FleetControl {
  /** Grows each time that a controller begins to lead. */
  readonly epoch: number;
  readonly ownership: Ownership;
  readonly addresses: AddressPool;
  readonly presence: FleetPresence;
  close(): Promise<void>;
}

/** All that makes the fleet what its objects say: ownership records, the link to agents, assignments, reconcilers. */
export async function startFleetControl(options: FleetControlOptions): Promise<FleetControl> {
  const { config, connection } = options;
  const { replicas } = config.nats;
  const ownership = await Ownership.open({ ...options, replicas });
  try {
    const firstRevision = await nextFirstRevision(await openIncarnations(connection, replicas));
    const watchConnection = (listener: (isConnected: boolean) => void) => void tellConnection(connection, listener);
    return await runFleetControl({ ...options, ownership, firstRevision, watchConnection });
  } catch (thrown) {
    ownership.close();
    throw thrown;
  }
}

async function tellConnection(connection: NatsConnection, listener: (isConnected: boolean) => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === Events.Disconnect) listener(false);
    else if (type === Events.Reconnect) listener(true);
  }
}

/** The same over what is there already, whatever carries it. Ends the ownership records with it. */
export async function runFleetControl(
  options: Omit<FleetControlOptions, "connection"> & {
    connection: Messenger;
    ownership: Ownership;
    /** Above all that earlier controllers gave out. */
    firstRevision: number;
    /** Calls back when the connection is lost and when it is back. None: it is never lost. */
    watchConnection?: (listener: (isConnected: boolean) => void) => void;
  },
): Promise<FleetControl> {
  const { config, environment, log, connection, store, ownership, firstRevision } = options;
  const revert = new Revert();
  const close = async () => {
    for (const failure of await revert.revert()) log.warn({ failure }, "not ended cleanly");
  };
  try {
    revert.add("ownership records", () => ownership.close());
    const events = new EventRecorder({ store, environment, log });
    revert.add("events", () => events.close());
    const presence = new FleetPresence(environment, config.heartbeat.graceMs);
    options.watchConnection?.((isConnected) => presence.listening(isConnected));
    const link = new FleetLink(connection, log);
    const addresses = new AddressPool(config.overlay);
    const fleet = new FleetIndex();
    // Before the reconcilers' own: what they look at has been counted.
    const counted = store.watch(undefined, {}, (event) => fleet.apply(event));
    revert.add("fleet index", () => counted.stop());
    const sources = assignmentSources({ store, ownership, presence, fleet });
    const assignments = new AssignmentPush({
      environment,
      link,
      firstRevision,
      assignmentOf: (node) => assignmentOf(node, sources),
      nodes: () => fleet.candidates.map(({ name }) => name),
    });
    revert.add("assignments", () => assignments.close());
    const network = new NetworkPush({
      environment,
      link,
      nodes: () => fleet.candidates.length,
      firstVersion: firstRevision,
    });
    revert.add("network map", () => network.close());
    const places = new NetworkWatch({ ownership, push: network, gateways: config.overlay.gateways });
    const placed = store.watch(undefined, {}, (event) => places.onStored(event));
    revert.add("network watch", () => placed.stop());
    ownership.onChange((uid) => places.onOwnership(uid));
    presence.onReport((report) => network.hear(report.node, report.network));

    const reconcilers = new Reconcilers({
      environment,
      log,
      config,
      store,
      ownership,
      presence,
      link,
      assignments,
      events,
      addresses,
      idBlocks: new IdBlockPool(config.idBlocks),
      fleet,
      search: new Search(),
      placement: new Turns(),
      migrationMetrics: new MigrationMetrics(options.registry),
      failoverMetrics: new FailoverMetrics(options.registry),
      failoverNotes: new Map(),
      samples: options.samples,
    });
    revert.add("reconcilers", () => reconcilers.close());
    reconcilers.start();
    const lease = (node: string) => {
      presence.hearHeartbeat(node);
      return config.failover.leaseMs;
    };
    link.listen({
      report: (report) => presence.hear(report),
      refused: (node, reason) => presence.refuse(node, reason),
      progress: (node, progress) => reconcilers.hearProgress(node, progress),
      telemetry: (telemetry) => {
        presence.hearUsage(telemetry);
        fleet.hear(telemetry);
        options.onTelemetry(telemetry);
      },
      request: (node, request) =>
        answerAgent({ store, ownership, assignment: (name) => assignments.current(name), lease }, node, request),
    });
    revert.add("link to agents", () => link.close());
    return { epoch: epochOf(firstRevision), ownership, addresses, presence, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function assignmentSources({
  store,
  ownership,
  presence,
  fleet,
}: {
  store: ObjectStore;
  ownership: Ownership;
  presence: FleetPresence;
  fleet: FleetIndex;
}): AssignmentSources {
  const server = (uid: string) => fleet.serverByUid(uid);
  return {
    node: (name) => store.get(nodeKind, { name }),
    image: (name) => store.get(imageKind, { name }),
    images: () => store.list(imageKind).items,
    server,
    ownedBy: (node) => [...ownership.ownedBy(node)].flatMap((uid) => server(uid) ?? []),
    owner: (uid) => ownership.get(uid),
    reported: (node) => presence.report(node)?.servers ?? [],
    isDropped: (uid) => ownership.isDropped(uid),
    isMoving: (uid) => fleet.isMoving(fleet.serverOf(uid) ?? ""),
  };
}
