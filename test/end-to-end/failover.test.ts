import type { Event } from "@vfleet/shared";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostsRunning } from "../fleet/census.ts";
import { Fleet, image } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

/** As in deploy/lab/control-plane.ts. */
const leaseMs = 8000;
const graceMs = 4000;
const taken = ["lost-1", "lost-2", "lost-3", "lost-4", "lost-5"];
const everyone = [...taken, "stays"];
const redis = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""];

describe("a host that is lost", () => {
  let fleet: Fleet;
  let host: string;
  const address: Record<string, string> = {};

  beforeAll(async () => {
    fleet = await Fleet.ready();
    const nodes = (await fleet.nodes()).map(({ metadata }) => metadata.name);
    host = nodes[0] ?? "";
    // An image comes to a node with its first server of it; the lost one's would go with it.
    for (const node of nodes.slice(1)) {
      const there = ["--node-selector", `kubernetes.io/hostname=${node}`];
      await fleet.does("run", `on-${node}`, "--image", image, "--memory", "128Mi", ...there, "--", "sleep", "600");
      await fleet.remove(`on-${node}`);
    }
    await fleet.does("cordon", ...nodes.slice(1));
    for (const name of everyone) {
      const onNodeLoss = name === "stays" ? "Wait" : "Restart";
      const options = ["--image", image, "--memory", "128Mi", "--detach", "--on-node-loss", onNodeLoss];
      await fleet.does("run", name, ...options, "--", ...redis);
    }
    for (const name of everyone) address[name] = (await fleet.runningStatus(name, 30_000)).address ?? "";
    await fleet.does("uncordon", ...nodes.slice(1));
    for (const name of everyone) await answers(name);
  });
  afterAll(async () => {
    await fleet.lab("heal");
    await fleet.lab("boot", host).catch(() => undefined); // on already
    for (const name of everyone) await fleet.remove(name);
  });

  function answers(name: string, limitMs = 20_000): Promise<true> {
    const pong = 'timeout 1 redis-cli -h "$1" ping';
    return until(`${name} to answer`, limitMs, async () => {
      const { stdout } = await fleet.exec("client", "sh", "-c", pong, "sh", address[name] ?? "");
      return stdout.trim() === "PONG" ? true : undefined;
    });
  }

  async function armed(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await until(`${name} to be fenced`, 20_000, async () => {
        const { status } = await fleet.server(name);
        return status?.phase === "Running" && status.failover?.armedEpoch === status.epoch ? true : undefined;
      });
    }
  }

  async function messagesOf(name: string): Promise<string[]> {
    const events = await fleet.list<Event>("events");
    return events.flatMap((event) =>
      event.involvedObject.name === name && event.reason === "TakenOver" ? [event.message ?? ""] : [],
    );
  }

  test("has its servers run elsewhere soon after lease and grace, as each asks, and gets back only what waited", async () => {
    await armed(taken);
    await fleet.lab("crash", host);
    const crashedAtMs = performance.now();
    await Promise.all(taken.map((name) => answers(name, leaseMs + graceMs + 10_000)));
    const tookMs = performance.now() - crashedAtMs;
    expect(tookMs).toBeGreaterThan(leaseMs);
    expect(tookMs).toBeLessThan(leaseMs + graceMs + 10_000);
    expect((await hostsRunning(fleet, "redis-server")).filter((name) => name !== host)).toHaveLength(taken.length);
    for (const name of taken) expect((await messagesOf(name)).join()).toContain("begins anew from its image");
    expect((await fleet.server("stays")).status).toMatchObject({ nodeName: host, phase: "Unknown" });

    await fleet.lab("boot", host);
    await answers("stays");
    expect((await fleet.runningStatus("stays")).epoch).toBe(1);
    const running = await hostsRunning(fleet, "redis-server");
    expect(running).toHaveLength(everyone.length);
    expect(running.filter((name) => name === host)).toHaveLength(1);
  });

  test("has ended them before they run elsewhere where it only can't reach the controller, and brings back none twice", async () => {
    await armed(taken);
    const { nodeName = "" } = (await fleet.server("lost-1")).status ?? {};
    await fleet.lab("partition", nodeName, "--from", "control");
    const cutAtMs = performance.now();
    const anyThere = "cat /proc/[0-9]*/comm | grep -cx redis-server";
    await until("it to have ended them", leaseMs + graceMs, async () =>
      (await fleet.exec(nodeName, "sh", "-c", anyThere)).stdout.trim() === "0" ? true : undefined,
    );
    expect(performance.now() - cutAtMs).toBeGreaterThan(leaseMs / 2);
    expect((await fleet.server("lost-1")).status?.nodeName).toBe(nodeName);
    await answers("lost-1", graceMs + 15_000);
    expect((await fleet.server("lost-1")).status?.nodeName).not.toBe(nodeName);
    await fleet.lab("heal");
    await fleet.does("wait", `node/${nodeName}`, "--for=condition=Ready", "--timeout=30s");
    for (const name of everyone) await answers(name);
    expect(await hostsRunning(fleet, "redis-server")).toHaveLength(everyone.length);
    expect(await hostsRunning(fleet, "redis-server")).toHaveLength(everyone.length);
  });
});
