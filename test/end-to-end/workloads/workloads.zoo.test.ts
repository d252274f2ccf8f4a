import { afterAll, beforeAll, expect, test } from "vitest";
import { Fleet } from "../../fleet/fleet.ts";
import { until } from "../../fleet/program.ts";
import { java } from "./java.ts";
import { mariadb } from "./mariadb.ts";
import { memcached } from "./memcached.ts";
import { nats } from "./nats.ts";
import { nginx } from "./nginx.ts";
import { nodeWebsocket } from "./node-websocket.ts";
import { python } from "./python.ts";
import { sshd } from "./sshd.ts";
import { systemd } from "./systemd.ts";
import { terminals } from "./terminals.ts";

const workloads = [nginx, memcached, nats, python, nodeWebsocket, sshd, terminals, mariadb, java, systemd];

/** Of those without one of their own. Each image is made once a machine. */
const sharedImage = {
  name: "debian-12-zoo",
  packages: [
    "nginx-light",
    "memcached",
    "nats-server",
    "python3",
    "openssh-server",
    "nodejs",
    "node-ws",
    "mariadb-server",
    "socat",
    "tmux",
  ],
};

const fleetOpen = Fleet.open();
beforeAll(async () => {
  const fleet = await fleetOpen;
  await fleet.openAllNodes();
  const images = new Set(workloads.map(({ image = sharedImage }) => image));
  for (const { name, packages } of images) {
    if ((await fleet.vctl("get", "image", name)).code !== 0)
      await fleet.does("image", "build", name, "--suite", "bookworm", "--packages", packages.join(","));
  }
});
afterAll(async () => {
  for (const { name } of workloads) await (await fleetOpen).remove(name);
});

test.each(workloads)("$name moves there and back; its client notices a pause and nothing else", async (workload) => {
  const fleet = await fleetOpen;
  const { name: server, image = sharedImage, memory, options = [], command } = workload;
  const environment = Object.entries((await workload.environment?.()) ?? {});
  const env = environment.flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  await fleet.does("run", server, "--image", image.name, "--memory", memory, ...options, ...env, "--", ...command);
  const { nodeName: node = "", address = "", restarts = 0 } = await fleet.runningStatus(server);
  const place = { fleet, server, address };
  await until(`${server} to answer`, 90_000, async () => ((await workload.probe(place)) ? true : undefined));

  const load = await workload.load(place);
  for (const there of [await fleet.otherNode(node), node]) await fleet.does("migrate", server, "--to", there);
  await load.finish();

  const after = await fleet.runningStatus(server);
  expect({ node: after.nodeName, epoch: after.epoch, restarts: after.restarts ?? 0 }).toEqual({
    node,
    epoch: 3,
    restarts,
  });
  await fleet.remove(server);
});
