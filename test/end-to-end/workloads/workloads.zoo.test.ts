import { afterAll, beforeAll, expect, test } from "vitest";
import { Fleet } from "../../fleet/fleet.ts";
import { until } from "../../fleet/program.ts";
import { mariadb } from "./mariadb.ts";
import { memcached } from "./memcached.ts";
import { nats } from "./nats.ts";
import { nginx } from "./nginx.ts";
import { nodeWebsocket } from "./node-websocket.ts";
import { python } from "./python.ts";
import { sshd } from "./sshd.ts";

const workloads = [nginx, memcached, nats, python, nodeWebsocket, sshd, mariadb];

/** One image for all of them: it is made once a machine. */
const image = "debian-12-zoo";
const packages = [
  "nginx-light",
  "memcached",
  "nats-server",
  "python3",
  "openssh-server",
  "nodejs",
  "node-ws",
  "mariadb-server",
];

const fleetOpen = Fleet.open();
beforeAll(async () => {
  const fleet = await fleetOpen;
  await fleet.openAllNodes();
  if ((await fleet.vctl("get", "image", image)).code !== 0)
    await fleet.does("image", "build", image, "--suite", "bookworm", "--packages", packages.join(","));
});
afterAll(async () => {
  for (const { name } of workloads) await (await fleetOpen).remove(name);
});

test.each(workloads)("$name moves there and back; its client notices a pause and nothing else", async (workload) => {
  const fleet = await fleetOpen;
  const { name: server, memory, command } = workload;
  const environment = Object.entries((await workload.environment?.()) ?? {});
  const env = environment.flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  await fleet.does("run", server, "--image", image, "--memory", memory, ...env, "--", ...command);
  const { nodeName: node = "", address = "", restarts = 0 } = await fleet.runningStatus(server);
  const place = { fleet, server, address };
  await until(`${server} to answer`, 90_000, async () => ((await workload.probe(place)) ? true : undefined));

  const load = await workload.load(place);
  await fleet.does("migrate", server, "--to", await fleet.otherNode(node));
  await fleet.does("migrate", server, "--to", node);
  await load.finish();

  const after = await fleet.runningStatus(server);
  expect({ node: after.nodeName, epoch: after.epoch, restarts: after.restarts ?? 0 }).toEqual({
    node,
    epoch: 3,
    restarts,
  });
  await fleet.remove(server);
});
