import { spawn, type ChildProcess } from "node:child_process";
import type { Drain, Image, Migration, Node, VirtualServer } from "@vfleet/shared";
import { endToEndLab, root } from "./paths.ts";
import { EventProgram } from "../../deploy/load/event-program.ts";
import { run, until, type Finished } from "./program.ts";

export const image = "debian-12-databases";
const imagePackages = "redis-server,postgresql,procps,iproute2";
const redisCommand = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", "/srv"];

/** The fleet in the lab, as an operator has it: `vctl`, and programs run in the lab's hosts. */
export class Fleet {
  readonly name: string;
  readonly labFolder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(name: string, labFolder: string, env: NodeJS.ProcessEnv) {
    this.name = name;
    this.labFolder = labFolder;
    this.#env = env;
  }

  static async open(lab = endToEndLab): Promise<Fleet> {
    const printed = await run(process.execPath, ["deploy/lab/main.ts", "env", "--name", lab]);
    if (printed.code !== 0) throw new Error(printed.stderr);
    const wanted = await run("sh", [
      "-c",
      `${printed.stdout}\nprintf '%s\\n%s\\n%s' "$KUBECONFIG" "$PATH" "$VFLEET_LAB_FOLDER"`,
    ]);
    const [kubeconfig = "", path = "", folder = ""] = wanted.stdout.split("\n");
    return new Fleet(lab, folder, { ...process.env, KUBECONFIG: kubeconfig, PATH: path });
  }

  /** With the tests' image, and every host open. */
  static async ready(lab = endToEndLab): Promise<Fleet> {
    const fleet = await Fleet.open(lab);
    await fleet.haveImage();
    await fleet.openAllNodes();
    return fleet;
  }

  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  vctl(...args: string[]): Promise<Finished> {
    return run("vctl", args, { env: this.#env });
  }

  /** Like `vctl`, and must succeed. */
  async does(...args: string[]): Promise<string> {
    const finished = await this.vctl(...args);
    if (finished.code !== 0)
      throw new Error(`vctl ${args.join(" ")} ended with ${finished.code}: ${finished.stderr}${finished.stdout}`);
    return finished.stdout;
  }

  /** `vctl` left running, for tests that end it. */
  start(...args: string[]): ChildProcess {
    return spawn("vctl", args, { env: this.#env, stdio: "ignore" });
  }

  apply(manifest: object): Promise<Finished> {
    return run("vctl", ["apply", "-f", "-"], { env: this.#env, input: JSON.stringify(manifest) });
  }

  async lab(...args: string[]): Promise<string> {
    const [verb = "", ...rest] = args;
    const finished = await run(process.execPath, ["deploy/lab/main.ts", verb, "--name", this.name, ...rest]);
    if (finished.code !== 0) throw new Error(`lab ${args.join(" ")} ended with ${finished.code}: ${finished.stderr}`);
    return finished.stdout;
  }

  /** Runs a program in a host of the lab. */
  exec(host: string, ...command: string[]): Promise<Finished> {
    return run(process.execPath, ["deploy/lab/main.ts", "exec", "--name", this.name, host, "--", ...command]);
  }

  /** Arguments for Node.js of a program in a host of the lab, one that is left running. */
  inHost(host: string): string[] {
    return [`${root}deploy/lab/main.ts`, "exec", "--name", this.name, host, "--"];
  }

  /** A client that counts in a redis over one connection. `options` are those of the program. */
  counter(address: string, fillMib = 16, options: readonly string[] = ["--max-seconds", "170"]): EventProgram {
    const client = [
      `${root}deploy/load/redis-counter.ts`,
      "--host",
      address,
      "--fill-mib",
      String(fillMib),
      ...options,
    ];
    return new EventProgram(process.execPath, [...this.inHost("client"), process.execPath, ...client], this.#env);
  }

  async list<T>(kind: string): Promise<T[]> {
    return (JSON.parse(await this.does("get", kind, "-o", "json")) as { items: T[] }).items;
  }

  async server(name: string): Promise<VirtualServer> {
    return JSON.parse(await this.does("get", "virtualserver", name, "-o", "json")) as VirtualServer;
  }

  /** Status of a server once it runs: what its agent says of it arrives a moment after a move has ended. */
  async runningStatus(name: string, deadlineMs = 15_000): Promise<NonNullable<VirtualServer["status"]>> {
    return until(`${name} to run`, deadlineMs, async () => {
      const { status } = await this.server(name);
      return status?.phase === "Running" ? status : undefined;
    });
  }

  async migrationsOf(server: string): Promise<Migration[]> {
    return (await this.list<Migration>("migrations"))
      .filter((migration) => migration.spec.server === server)
      .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
  }

  nodes(): Promise<Node[]> {
    return this.list<Node>("nodes");
  }

  drains(): Promise<Drain[]> {
    return this.list<Drain>("drains");
  }

  /** The tests' image: made once a machine, kept in the image cache. */
  async haveImage(): Promise<void> {
    const existing = (await this.list<Image>("images")).find((found) => found.metadata.name === image);
    if (existing === undefined)
      await this.does("image", "build", image, "--suite", "bookworm", "--packages", imagePackages);
    await this.does("wait", `image/${image}`, "--for=jsonpath={.status.phase}=Ready", "--timeout=300s");
  }

  /** A redis that answers; gives where it is. */
  async haveRedis(name: string, ...options: string[]): Promise<{ node: string; address: string }> {
    await this.does("run", name, "--image", image, "--memory", "512Mi", ...options, "--", ...redisCommand);
    const { status } = await this.server(name);
    const address = status?.address ?? "";
    await this.untilAnswers(name, address);
    return { node: status?.nodeName ?? "", address };
  }

  /** A redis, to the client outside. */
  async untilAnswers(name: string, address: string): Promise<void> {
    await until(`${name} to answer`, 20_000, async () => {
      const pong = await this.exec("client", "redis-cli", "-h", address, "ping");
      return pong.stdout.trim() === "PONG" ? true : undefined;
    });
  }

  /** Removes a server and the record of its moves: the next one of this name begins anew. */
  async remove(name: string): Promise<void> {
    await this.vctl("delete", "virtualserver", name, "--ignore-not-found");
    const moves = (await this.migrationsOf(name)).map((migration) => migration.metadata.name);
    if (moves.length > 0) await this.vctl("delete", "migration", ...moves, "--ignore-not-found");
  }

  /** Every host open again, no drain under way. */
  async openAllNodes(): Promise<void> {
    for (const drain of await this.drains()) await this.vctl("delete", "drain", drain.metadata.name);
    for (const node of await this.nodes()) {
      if (node.spec.unschedulable === true) await this.does("uncordon", node.metadata.name);
    }
  }

  /** Any other host than this one. */
  async otherNode(node: string): Promise<string> {
    const other = (await this.nodes()).map((found) => found.metadata.name).find((name) => name !== node);
    if (other === undefined) throw new Error(`no host but ${node}`);
    return other;
  }
}
