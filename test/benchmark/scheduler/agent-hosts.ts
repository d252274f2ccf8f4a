import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { NatsAccess } from "./nats-access.ts";

/** What a process with agents is told. Answered with `{done}`. */
export type AgentHostOrder =
  | { do: "start"; access: NatsAccess; nodes: readonly string[]; hasTelemetry: boolean }
  | { do: "silence"; node: string };

const program = fileURLToPath(new URL("agent-host.ts", import.meta.url));

export interface AgentHostsOptions {
  access: NatsAccess;
  nodes: readonly string[];
  processes: number;
  hasTelemetry?: boolean;
}

/** Simulated agents in processes of their own, so that what they cost is told apart. */
export class AgentHosts {
  readonly #children: ChildProcess[] = [];
  readonly #hostOf = new Map<string, ChildProcess>();

  static async start({ access, nodes, processes, hasTelemetry = false }: AgentHostsOptions): Promise<AgentHosts> {
    const hosts = new AgentHosts();
    const perProcess = Math.ceil(nodes.length / processes);
    await Promise.all(
      Array.from({ length: processes }, (_, index) => {
        const own = nodes.slice(index * perProcess, (index + 1) * perProcess);
        return hosts.#run(own, { do: "start", access, nodes: own, hasTelemetry });
      }),
    );
    return hosts;
  }

  get pids(): number[] {
    return this.#children.map(({ pid = 0 }) => pid);
  }

  /** As a host without power. Resolves when it has said its last word. */
  async silence(node: string): Promise<void> {
    const child = this.#hostOf.get(node);
    if (child !== undefined) await ordered(child, { do: "silence", node });
  }

  stop(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  async #run(nodes: readonly string[], order: AgentHostOrder): Promise<void> {
    const child = fork(program, { execArgv: ["--max-old-space-size=6000"] });
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    this.#children.push(child);
    for (const node of nodes) this.#hostOf.set(node, child);
    await ordered(child, order);
  }
}

async function ordered(child: ChildProcess, order: AgentHostOrder): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once("message", () => resolve());
  child.once("exit", (code) => reject(new Error(`a process with agents ended with ${code ?? "a signal"}`)));
  child.send(order);
  await promise;
}
