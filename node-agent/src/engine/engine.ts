import type { AgentConfig, Environment, Logger, ServerAssignment } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";
import { hostDisk, type Disk } from "../disk.ts";
import { Layout } from "./layout.ts";
import { BridgeNetworkDriver } from "./network/bridge-network-driver.ts";
import type { NetworkDriver } from "./network/network-driver.ts";
import { RuncConmonDriver } from "./runtime/runc-conmon-driver.ts";
import type { RuntimeDriver } from "./runtime/runtime-driver.ts";
import { BtrfsVolumeDriver } from "./volume/btrfs-volume-driver.ts";
import type { VolumeDriver } from "./volume/volume-driver.ts";

/** How long a server may take to stop by itself before it is killed. */
const stopGraceMs = 10_000;

interface EngineDrivers {
  volumes: VolumeDriver;
  network: NetworkDriver;
  runtime: RuntimeDriver;
  disk: Disk;
}

export interface EngineOptions {
  config: AgentConfig;
  environment: Environment;
  log: Logger;
  /** None: the host's. */
  drivers?: EngineDrivers;
}

/** The drivers of a node, and the short ways through them that every server takes. Who may run what is decided elsewhere. */
export class Engine {
  readonly layout: Layout;
  readonly volumes: VolumeDriver;
  readonly network: NetworkDriver;
  readonly runtime: RuntimeDriver;
  readonly disk: Disk;
  readonly #environment: Environment;
  readonly #log: Logger;

  constructor(options: EngineOptions) {
    const { config, environment, log } = options;
    this.layout = new Layout(config);
    const drivers = options.drivers ?? hostDrivers(options, this.layout);
    this.volumes = drivers.volumes;
    this.network = drivers.network;
    this.runtime = drivers.runtime;
    this.disk = drivers.disk;
    this.#environment = environment;
    this.#log = log;
  }

  /** Folders, bridge and tables; removes what a crash left half made. Running servers aren't touched. */
  async open(): Promise<void> {
    const { layout } = this;
    // A server's root has to pass to its own root folder, and sees nothing on the way.
    await this.disk.makeFolder(layout.containersFolder, 0o711);
    for (const folder of [
      layout.recordsFolder,
      layout.logsFolder,
      layout.runtimeRoot,
      layout.exitsFolder,
      layout.migrationsFolder,
      layout.scratchFolder,
    ]) {
      await this.disk.makeFolder(folder, 0o700);
    }
    const [removed] = await Promise.all([this.volumes.open(), this.network.open()]);
    if (removed.length > 0) this.#log.info({ removed }, "half-made volumes removed");
  }

  /** From an assignment and a present image to a running, reachable server. Whatever fails, nothing but the volume stays. */
  async startServer(server: ServerAssignment): Promise<void> {
    const { uid, network } = server;
    const port = { uid, ...network };
    const timings: Record<string, number> = {};
    const timed = async (step: string, work: Promise<unknown>) => {
      const beginMs = this.#environment.monotonicMs();
      await work;
      timings[step] = Math.round(this.#environment.monotonicMs() - beginMs);
    };
    try {
      await Promise.all([
        timed("rulesMs", this.network.prepare(port)),
        (async () => {
          if (!(await this.volumes.hasVolume(uid))) {
            await timed(
              "volumeMs",
              this.volumes.createVolume(uid, { image: server.image.digest, limitBytes: server.limits.diskBytes }),
            );
          }
          await timed("bundleMs", this.prepareContainer(server));
          await timed("createMs", this.runtime.create(uid));
        })(),
      ]);
      if (!server.isIsolated) await timed("attachMs", this.network.attach(port));
      await timed("startMs", this.runtime.start(uid));
    } catch (thrown) {
      await this.removeContainer(uid);
      throw thrown;
    }
    this.#log.info({ server: uid, ...timings }, "server started");
    void this.network
      .announce(port)
      .catch((thrown: unknown) => this.#log.warn({ server: uid, err: thrown }, "server not announced"));
  }

  /** Bundle and root for a container that is made or restored next; the volume is there. */
  async prepareContainer(server: ServerAssignment): Promise<void> {
    await this.runtime.prepareBundle({
      server,
      volumeFolder: this.volumes.volumeFolder(server.uid),
      networkHook: this.network.hook({ uid: server.uid, ...server.network }),
    });
  }

  /** Throws `server-not-stopped` where even SIGKILL did not end it: it may not be started elsewhere, nor its volume deleted. */
  async stopServer(uid: string): Promise<void> {
    await this.runtime.stop(uid, stopGraceMs);
    const { state } = await this.runtime.inspect(uid);
    if (state !== "none" && state !== "exited")
      throw agentError("server-not-stopped", { uid, reason: "it outlived SIGKILL" });
    await this.removeContainer(uid);
  }

  /** Stops it if it runs, and deletes its volume and log too. */
  async deleteServer(uid: string): Promise<void> {
    await this.stopServer(uid);
    await this.volumes.deleteVolume(uid);
    await this.disk.remove(this.layout.logFile(uid));
  }

  /** Processes, port, rules, mounts and bundle; the volume stays. */
  async removeContainer(uid: string): Promise<void> {
    await this.network.detach({ uid });
    await this.runtime.remove(uid);
    await this.network.remove({ uid });
  }
}

function hostDrivers({ config, environment }: EngineOptions, layout: Layout): EngineDrivers {
  return {
    volumes: new BtrfsVolumeDriver(config.volumesFolder, environment),
    network: new BridgeNetworkDriver(config, environment),
    runtime: new RuncConmonDriver(config, layout, environment),
    disk: hostDisk,
  };
}
