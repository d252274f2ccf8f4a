import type { Fleet } from "../../fleet/fleet.ts";
import type { Finished } from "../../fleet/program.ts";

/** Address and MAC of the redis that is moved without vfleet, on the same overlay. */
export const bareAddress = "10.200.254.10";
const bareMac = "02:76:66:fe:00:0a";
const namespace = "bench";

/** A host of the lab used by hand: a network namespace on the fleet's bridge, a root folder, files sent over plain TCP. */
export class BareHost {
  readonly name: string;
  readonly #fleet: Fleet;
  /** On the box's tmpfs: bundle, images, runtime state. */
  readonly folder = "/run/bench";
  /** On disk, the host's own, gone with the lab. */
  readonly diskFolder: string;

  constructor(fleet: Fleet, name: string) {
    this.#fleet = fleet;
    this.name = name;
    this.diskFolder = `${fleet.labFolder}/${name}/bench`;
  }

  get rootFolder(): string {
    return `${this.diskFolder}/root`;
  }

  /** Runs a script on the host; must succeed. */
  async does(script: string): Promise<string> {
    const finished = await this.tries(script);
    if (finished.code !== 0)
      throw new Error(`${this.name}: ${script}\nended with ${finished.code}: ${finished.stderr}`);
    return finished.stdout;
  }

  tries(script: string): Promise<Finished> {
    return this.#fleet.exec(this.name, "sh", "-ec", `PATH=/opt/vfleet/bin:$PATH\n${script}`);
  }

  /** The root of the fleet's image, which both hosts have after vfleet's first move; copied once. */
  async prepareRoot(): Promise<void> {
    const images = `${this.#fleet.labFolder}/${this.name}/volumes/images`;
    await this.does(`
      mkdir -p ${this.folder}
      [ -d ${this.rootFolder}/usr ] || { mkdir -p ${this.rootFolder}; cp -a ${images}/*/root/. ${this.rootFolder}/; }`);
  }

  /** A namespace whose port is not on the bridge yet. */
  async makeNetwork(): Promise<void> {
    await this.does(`
      ip netns add ${namespace}
      ip link add bench-port mtu 1450 type veth peer name eth0 netns ${namespace} address ${bareMac} mtu 1450
      ip -n ${namespace} link set lo up
      ip -n ${namespace} addr add ${bareAddress}/16 dev eth0
      ip -n ${namespace} link set eth0 up
      ip -n ${namespace} route add default via 10.200.0.1`);
  }

  /** Puts the port on the bridge and lets the overlay learn where the address is: any broadcast does. */
  get joinScript(): string {
    return `ip link set bench-port master vfleet0 up
      ip netns exec ${namespace} ip neigh flush all
      ip netns exec ${namespace} sh -c 'echo | socat -u - UDP4-DATAGRAM:10.200.255.1:9' || true`;
  }

  async removeNetwork(): Promise<void> {
    await this.tries(`ip link del bench-port; ip netns del ${namespace}`);
  }

  /** Receives one stream on the port into a command; resolves when it listens, with what resolves when all has come. */
  async listen(port: number, command: string): Promise<{ done: Promise<Finished> }> {
    const done = this.tries(`socat -u TCP-LISTEN:${port},reuseaddr EXEC:'${command}'`);
    await this.does(`for i in $(seq 100); do ss -Hltn sport = ${port} | grep -q . && exit 0; sleep 0.02; done; exit 1`);
    return { done };
  }

  async underlayAddress(): Promise<string> {
    return (await this.does(`ip -4 -o addr show | grep -o '10\\.99\\.[0-9.]*' | head -1`)).trim();
  }
}
