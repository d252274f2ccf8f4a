import { parseArgs } from "node:util";
import { controllerConfigSchema, createLogger, messageOf, readConfig, systemEnvironment } from "@vfleet/shared";
import { startController } from "./controller.ts";

const usage = `Usage: node controller/src/main.ts --config FILE

The controller of a vfleet: API server, scheduler and reconcilers.

  --config FILE   configuration (JSON), usually /etc/vfleet/controller.json
  --help          this text
`;

const log = createLogger("vfleet-controller");

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" }, help: { type: "boolean" } } });
  if (values.help === true) {
    process.stdout.write(usage);
    return;
  }
  if (values.config === undefined) {
    process.stderr.write(usage);
    process.exitCode = 2;
    return;
  }
  // Asked to end while it still starts (NATS may be away for long): there is nothing to end cleanly yet.
  const endAtOnce = () => process.exit(0);
  process.once("SIGTERM", endAtOnce).once("SIGINT", endAtOnce);
  const controller = await startController({
    config: readConfig(values.config, controllerConfigSchema),
    environment: systemEnvironment,
    log,
    // Whatever is still under way in this process must not go on: the next one begins with nothing.
    onEnded: (reason) => {
      log.fatal({ reason }, "ending at once");
      process.exit(1);
    },
  });
  process.off("SIGTERM", endAtOnce).off("SIGINT", endAtOnce);
  const end = () => {
    log.info("ending");
    controller.close().then(
      () => process.exit(0),
      (thrown: unknown) => {
        log.error({ error: messageOf(thrown) }, "not ended cleanly");
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", end).once("SIGINT", end);
}

// One request that went wrong must not take the fleet's controller with it; what it left is looked at again.
process.on("unhandledRejection", (thrown) => log.error({ error: messageOf(thrown) }, "unhandled rejection"));

main().catch((thrown: unknown) => {
  log.fatal({ error: messageOf(thrown) }, "cannot start");
  process.exitCode = 1;
});
