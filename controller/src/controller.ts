import type { ControllerConfig, Environment, Logger } from "@vfleet/shared";
import { messageOf, Revert } from "@vfleet/shared";
import { Registry } from "prom-client";
import { connectNats } from "./connect-nats.ts";
import { startHealthServer } from "./http/health-server.ts";
import { Leadership } from "./leadership/leadership.ts";
import type { Leading } from "./leading.ts";
import { startLeading } from "./leading.ts";
import { addLeaderMetrics } from "./metrics/leader-metrics.ts";
import { startObjectStore } from "./store/start-object-store.ts";
import { RedisTelemetry } from "./telemetry/redis-telemetry.ts";

export interface ControllerOptions {
  config: ControllerConfig;
  environment: Environment;
  log: Logger;
  /** Leads no more, or can't: the process must end at once, with all that it has in memory. */
  onEnded: (reason: string) => void;
}

export interface Controller {
  close(): Promise<void>;
}

/** How long NATS servers may take to agree among themselves, until it is given up. */
const patienceMs = 30_000;
const retryMs = 250;

/**
 * Starts a controller, in the order in which each part needs the one before; waits for NATS as long as it takes. One that is alone
 * leads when this resolves; one of several stands by with its copy of the store kept up, and leads when its time comes.
 */
export async function startController({ config, environment, log, onEnded }: ControllerOptions): Promise<Controller> {
  const revert = new Revert();
  let leading: Leading | undefined;
  const close = async () => {
    for (const failure of await revert.revert()) log.warn({ failure }, "not ended cleanly");
  };
  try {
    const connection = await connectNats(config, log);
    revert.add("NATS", () => connection.close());
    const { replicas } = config.nats;
    const open = () => startObjectStore({ connection, environment, log, replicas });
    const store = await persist(open, { environment, log });
    revert.add("object store", () => store.close());
    const telemetry = new RedisTelemetry({ url: config.redis.url, log, environment });
    revert.add("telemetry", () => telemetry.close());

    const state = () => ({ isLeading: leading !== undefined, epoch: leading?.epoch ?? 0 });
    if (config.health !== undefined) {
      const health = await startHealthServer({ listen: config.health, store, state });
      revert.add("health", () => health.close());
    }
    const lead = async (isLeading?: () => boolean) => {
      const started = await persist(
        () => {
          const registry = new Registry();
          addLeaderMetrics(registry, state);
          return startLeading({ config, environment, log, connection, store, telemetry, registry, isLeading });
        },
        { environment, log },
      );
      leading = started;
      revert.add("leading", () => started.close());
    };
    if (config.leadership === undefined) await lead();
    else {
      const leadership: Leadership = new Leadership({
        config: config.leadership,
        connection,
        environment,
        log,
        onWon: () => {
          lead(() => leadership.isLeading).catch((thrown: unknown) => onEnded(`cannot lead: ${messageOf(thrown)}`));
        },
        onLost: () => onEnded("leadership lost"),
      });
      revert.add("leadership", () => leadership.resign());
      leadership.start();
      log.info({ member: config.leadership.member }, "standing by");
    }
    return { close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Again while NATS refuses; what the operating system refuses, such as a port, is no matter of time. */
async function persist<T>(
  start: () => Promise<T>,
  { environment, log }: Pick<ControllerOptions, "environment" | "log">,
): Promise<T> {
  const deadlineMs = environment.monotonicMs() + patienceMs;
  let said = "";
  for (;;) {
    try {
      return await start();
    } catch (thrown) {
      const isSystems = thrown instanceof Error && "syscall" in thrown;
      if (isSystems || environment.monotonicMs() > deadlineMs) throw thrown;
      const error = messageOf(thrown);
      if (error !== said) log.warn({ error }, "not started yet");
      said = error;
      await environment.sleep(retryMs);
    }
  }
}
