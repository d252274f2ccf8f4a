import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { NodeResources } from "@vfleet/shared";
import type { NatsAccess } from "./nats-access.ts";

/** What a process with agents is told. */
export type AgentHostOrder =
  | ({ do: "start" } & Omit<AgentHostsOptions, "processes">)
  /** Answered when its last word is said. */
  | { do: "silence"; node: string }
  | { do: "count" };

/** Its answer to each: what its agents have sent so far. */
export interface SentCounts {
  reports: number;
  samples: number;
}

const program = fileURLToPath(new URL("agent-host.ts", import.meta.url));

export interface AgentHostsOptions {
  access: NatsAccess;
  nodes: readonly string[];
  processes: number;
  hasTelemetry: boolean;
  /** Of each node, other than usual. */
  capacity: Partial<NodeResources>;
}

/** Simulated agents in processes of their own, so that what they cost is told apart. */
export class AgentHosts {
  readonly #children: ChildProcess[] = [];
  readonly #hostOf = new Map<string, ChildProcess>();

  static async start({ nodes, processes, ...options }: AgentHostsOptions): Promise<AgentHosts> {
    const hosts = new AgentHosts();
    const perProcess = Math.ceil(nodes.length / processes);
    await Promise.all(
      Array.from({ length: processes }, (_, index) => {
        const own = nodes.slice(index * perProcess, (index + 1) * perProcess);
        return hosts.#run(own, { do: "start", nodes: own, ...options });
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

  async sent(): Promise<SentCounts> {
    const counts = await Promise.all(this.#children.map((child) => ordered(child, { do: "count" })));
    const sum = (what: keyof SentCounts) => counts.reduce((total, count) => total + count[what], 0);
    return { reports: sum("reports"), samples: sum("samples") };
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

async function ordered(child: ChildProcess, order: AgentHostOrder): Promise<SentCounts> {
  const { promise, resolve, reject } = Promise.withResolvers<SentCounts>();
  const onExit = (code: number | null) => reject(new Error(`a process with agents ended with ${code ?? "a signal"}`));
  child.once("message", (counts) => resolve(counts as SentCounts)); // as `agent-host.ts` sends them
  child.once("exit", onExit);
  child.send(order);
  try {
    return await promise;
  } finally {
    child.off("exit", onExit);
  }
}
