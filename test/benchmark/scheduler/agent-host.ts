/** A process with many simulated agents on one connection, started and told by `AgentHosts`. */
import { SimulatedAgent } from "@vfleet/controller/simulated-agent";
import type { NodeTelemetry } from "@vfleet/shared";
import { subjects, systemEnvironment } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import type { AgentHostOrder, AgentHostsOptions, SentCounts } from "./agent-hosts.ts";
import { zones } from "./scenarios.ts";
import { connectNats } from "./nats-access.ts";

/** As the real agent's. */
const reportEveryMs = 2000;
const telemetryEveryMs = 5000;
/** Agents started at a time: those of a real fleet didn't all start in one moment, and report at times of their own. */
const startedTogether = 100;

const agents = new Map<string, SimulatedAgent>();
const stall = { avg10Percent: 1.5, avg60Percent: 1.2, totalMicroseconds: 123_456 };
const pressure = { cpu: { some: stall }, memory: { some: stall, full: stall }, io: { some: stall, full: stall } };

const sent: SentCounts = { reports: 0, samples: 0 };

process.on("message", (order: AgentHostOrder) => {
  if (order.do === "silence") agents.get(order.node)?.stop();
  if (order.do === "start") void start(order);
  else process.send?.(sent);
});

class CountedAgent extends SimulatedAgent {
  override report(): void {
    super.report();
    sent.reports++;
  }
}

async function start({ access, nodes, ...options }: AgentHostOrder & { do: "start" }): Promise<void> {
  const connection = await connectNats(access);
  const groups = Math.ceil(nodes.length / startedTogether);
  for (let group = 0; group < groups; group++) {
    for (const name of nodes.slice(group * startedTogether, (group + 1) * startedTogether))
      startAgent(connection, name, options);
    await systemEnvironment.sleep(reportEveryMs / groups);
  }
  process.send?.(sent);
}

function startAgent(
  connection: NatsConnection,
  name: string,
  { hasTelemetry, capacity }: Pick<AgentHostsOptions, "hasTelemetry" | "capacity">,
): void {
  const labels = { zone: `zone-${Number(name.replaceAll(/\D/g, "")) % zones}` };
  const agent = new CountedAgent({ name, connection, peers: agents, labels, reportEveryMs, keepsMap: false });
  agent.capacity = capacity;
  agent.start();
  if (!hasTelemetry) return;
  systemEnvironment.every(telemetryEveryMs, () => {
    if (!agents.has(name)) return;
    connection.publish(subjects.telemetry(name), JSON.stringify(sampleOf(agent)));
    sent.samples++;
  });
}

function sampleOf({ name, servers }: SimulatedAgent): NodeTelemetry {
  const usage = () => ({
    milliCpu: Math.random() * 1000,
    memoryBytes: Math.round(Math.random() * 2 ** 30),
    diskBytes: 2 ** 28,
    pids: 12,
    receivedBytesPerSecond: Math.random() * 1e6,
    sentBytesPerSecond: Math.random() * 1e6,
  });
  return {
    node: name,
    atMs: Date.now(),
    host: { ...usage(), pressure },
    servers: servers.map((server) => ({
      uid: server.uid,
      namespace: server.namespace,
      name: server.name,
      usage: usage(),
      pressure,
    })),
  };
}
