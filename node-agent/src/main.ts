import { parseArgs } from "node:util";
import { agentConfigSchema, createLogger, messageOf, readConfig, systemEnvironment } from "@vfleet/shared";
import { startAgent } from "./agent.ts";
import { Checkpoints } from "./checkpoint/checkpoints.ts";
import { readCgroupUsage } from "./engine/limits/cgroup-usage.ts";
import { Migrations } from "./migration/migrations.ts";
import { hostBridge } from "./migration/move-bridge.ts";
import { sessionHost } from "./migration/session-host.ts";

const usage = `usage: vfleet-agent --config FILE

Runs the virtual servers that the controller assigns to this host.

  --config FILE   configuration, JSON (default /etc/vfleet/agent.json)
  --help          this text

SIGTERM and SIGINT end the agent; its servers run on, and the next agent takes them up again.
`;

const failed = 1;

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      config: { type: "string", default: "/etc/vfleet/agent.json" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const log = createLogger("vfleet-agent");
  try {
    const config = readConfig(values.config, agentConfigSchema);
    const agent = await startAgent({
      config,
      environment: systemEnvironment,
      log,
      createMigrations: (parts) =>
        new Migrations({
          ...parts,
          bridge: hostBridge(sessionHost(parts, "migration")),
          memoryBytes: async (uid) => (await readCgroupUsage(`${config.cgroupParent}/${uid}`))?.memoryBytes,
        }),
      createCheckpoints: (parts) => new Checkpoints(parts),
    });
    const end = (signal: NodeJS.Signals) => {
      log.info({ signal }, "agent ends, servers run on");
      void agent.close().finally(() => process.exit());
    };
    process.once("SIGTERM", end);
    process.once("SIGINT", end);
  } catch (thrown) {
    log.fatal({ err: thrown }, messageOf(thrown));
    process.exit(failed);
  }
}
