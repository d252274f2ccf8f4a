import type { NodeResources } from "@vfleet/shared";
import { AgentHosts } from "./agent-hosts.ts";
import { imagesPath, serversPath } from "./api-client.ts";
import { ControlPlane } from "./control-plane.ts";
import { RecordWatch } from "./record-watch.ts";

export interface BenchFleetOptions {
  hasTelemetry?: boolean;
  /** What each node has, other than usual. */
  capacity?: Partial<NodeResources>;
  /** For CPU profiles of the controller. */
  profileFolder?: string | undefined;
}

export const nodeName = (number: number) => `host-${number}`;
export const image = { apiVersion: "vfleet.dev/v1", kind: "Image", metadata: { name: "debian" } };
const nodesLimitMs = 300_000;
const imageLimitMs = 30_000;
const serversLimitMs = 300_000;
const progressMs = 10_000;

/** A control plane with a fleet of simulated agents, and what the store has written of it. */
export class BenchFleet {
  readonly plane: ControlPlane;
  readonly watch = new RecordWatch();
  readonly #options: BenchFleetOptions;
  readonly #agents: AgentHosts[] = [];
  #nodes = 0;

  private constructor(plane: ControlPlane, options: BenchFleetOptions) {
    this.plane = plane;
    this.#options = options;
  }

  /** Leaves nothing of it behind, whatever happens in `work`. Says on stderr how it goes. */
  static async with<T>(title: string, options: BenchFleetOptions, work: (fleet: BenchFleet) => Promise<T>): Promise<T> {
    // By themselves signals end the program without its exit handlers, which end what it started.
    const end = () => process.exit(1);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
    const fleet = new BenchFleet(await ControlPlane.start(options.profileFolder), options);
    const { nodes, servers } = fleet.watch;
    const progress = setInterval(() => {
      const { bound, running } = fleet.watch;
      const counts = `${nodes.size} nodes, ${servers.size} servers, ${bound} bound, ${running} running`;
      process.stderr.write(`${title}: ${counts}\n`);
    }, progressMs);
    try {
      const connection = await fleet.plane.connectNats();
      await fleet.watch.start(connection);
      const result = await work(fleet);
      await connection.close();
      return result;
    } finally {
      clearInterval(progress);
      for (const agents of fleet.#agents) agents.stop();
      await fleet.plane.stop();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
    }
  }

  /** So many nodes more. Resolves when they are ready. */
  async join(count: number, processes = 1): Promise<AgentHosts> {
    const nodes = Array.from({ length: count }, (_, number) => nodeName(this.#nodes + number));
    this.#nodes += count;
    const { hasTelemetry = false, capacity = {} } = this.#options;
    const { access } = this.plane;
    const agents = await AgentHosts.start({ access, nodes, processes, hasTelemetry, capacity });
    this.#agents.push(agents);
    await this.watch.until("nodes are ready", nodesLimitMs, () => this.watch.readyNodes === this.#nodes);
    return agents;
  }

  async makeImage(): Promise<void> {
    await this.plane.api.create(imagesPath, { ...image, spec: { source: { debootstrap: {} } } });
    const { name } = image.metadata;
    await this.watch.until("the image is ready", imageLimitMs, () => !Number.isNaN(this.watch.readyAtMs(name)));
  }

  /** Makes servers, and waits until they run. Their specs, beside the image. */
  async makeServers(specs: readonly object[]): Promise<void> {
    const before = this.watch.running;
    const numbers = specs.map((spec, number) => ({ spec, name: `vs-${before + number}` }));
    await this.plane.api.each(numbers, ({ spec, name }) =>
      this.plane.api.create(serversPath, {
        apiVersion: "vfleet.dev/v1",
        kind: "VirtualServer",
        metadata: { name, namespace: "default" },
        spec: { image: image.metadata.name, ...spec },
      }),
    );
    await this.watch.until("servers run", serversLimitMs, () => this.watch.running === before + specs.length);
  }
}
