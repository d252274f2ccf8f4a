import { afterAll, beforeAll, expect, test } from "vitest";
import { Fleet } from "../../fleet/fleet.ts";
import { until } from "../../fleet/program.ts";
import { systemd } from "./systemd.ts";

/** Half of what a stopping server is given before it is killed. */
const orderlyMs = 5000;
const server = "systemd-stop";
/** A service that takes a while to stop, and says so on the volume when it has. */
const slowService = `
cat >/etc/systemd/system/slow.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'sleep 0.5; echo stopped >>/var/stops'
[Install]
WantedBy=multi-user.target
END
systemctl enable --now slow
`;

const fleetOpen = Fleet.open();
beforeAll(async () => {
  const fleet = await fleetOpen;
  await fleet.openAllNodes();
  const { name = "", packages = [] } = systemd.image ?? {};
  if ((await fleet.vctl("get", "image", name)).code !== 0)
    await fleet.does("image", "build", name, "--suite", "bookworm", "--packages", packages.join(","));
  const options = systemd.options ?? [];
  await fleet.does("run", server, "--image", name, "--memory", systemd.memory, ...options);
});
afterAll(async () => (await fleetOpen).remove(server));

/** How often the slow service was stopped in order. */
async function stops(): Promise<number> {
  const text = await (await fleetOpen).does("exec", server, "--", "sh", "-c", "cat /var/stops 2>/dev/null || true");
  return text.split("\n").filter((line) => line === "stopped").length;
}

async function stop(): Promise<void> {
  const fleet = await fleetOpen;
  const { apiVersion, kind, metadata, spec } = await fleet.server(server);
  const manifest = { apiVersion, kind, metadata: { name: metadata.name } };
  await fleet.apply({ ...manifest, spec: { ...spec, runStrategy: "Stopped" } });
  await until("it to be stopped", orderlyMs, async () =>
    (await fleet.server(server)).status?.phase === "Stopped" ? true : undefined,
  );
  await fleet.apply({ ...manifest, spec });
}

test("a systemd guest ends in order, well before it would be killed: moved cold, restarted from inside, stopped after a live move, deleted", async () => {
  const fleet = await fleetOpen;
  const systemUp = () =>
    until("systemd to be up", 60_000, async () =>
      (await fleet.vctl("exec", server, "--", "systemctl", "is-system-running")).code === 0 ? true : undefined,
    );
  await systemUp();
  await fleet.does("exec", server, "--", "sh", "-c", slowService);
  const { nodeName: node = "" } = await fleet.runningStatus(server);
  const there = await fleet.otherNode(node);

  await fleet.does("migrate", server, "--to", there, "--mode", "Cold");
  await systemUp();
  expect(await stops()).toBe(1);
  const [cold] = await fleet.migrationsOf(server);
  const stopping = cold?.status?.timeline?.find(({ step, side }) => step === "stop" && side === "source");
  expect(stopping?.durationMs).toBeLessThan(orderlyMs);

  await fleet.vctl("exec", server, "--", "systemctl", "reboot");
  await until("it to have restarted", 30_000, async () =>
    (await fleet.server(server)).status?.restarts === 1 ? true : undefined,
  );
  await systemUp();
  expect(await stops()).toBe(2);

  await fleet.does("migrate", server, "--to", node);
  await stop();
  await systemUp();
  expect(await stops()).toBe(3);

  const startMs = performance.now();
  await fleet.does("delete", "virtualserver", server);
  expect(performance.now() - startMs).toBeLessThan(orderlyMs);
});
