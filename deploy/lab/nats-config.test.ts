import { expect, it } from "vitest";
import { natsConfig, nodePermissions } from "./nats-config.ts";

const tls = { ca: "/ca.pem", certificate: "/nats.pem", key: "/nats.key" };
const options = {
  address: "10.99.0.2",
  port: 4222,
  storeFolder: "/store",
  tls,
  controllerKey: "UC",
  nodeKeys: new Map([
    ["host-1", "U1"],
    ["host-2", "U2"],
  ]),
};

it("writes every record to disk before it is acknowledged, and speaks to none without a certificate", () => {
  const config = JSON.parse(natsConfig(options));
  expect(config.jetstream).toMatchObject({ store_dir: "/store", sync_interval: "always" });
  expect(config.tls).toMatchObject({ verify: true, ca_file: "/ca.pem" });
});

it("gives the controller all and each node its own subjects", () => {
  const { users } = JSON.parse(natsConfig(options)).authorization;
  expect(users.map(({ nkey }: { nkey: string }) => nkey)).toEqual(["UC", "U1", "U2"]);
  expect(users[0].permissions).toEqual({ publish: ">", subscribe: ">" });
  expect(users[2].permissions).toEqual(JSON.parse(JSON.stringify(nodePermissions("host-2"))));
});

it("lets a node say and hear nothing of JetStream or of another node", () => {
  const { publish, subscribe } = nodePermissions("host-1");
  for (const subject of [...publish.allow, ...subscribe.allow])
    expect(subject).toMatch(/^(vfleet\.node\.host-1\.[a-z]+|_INBOX\.node\.host-1\.>|vfleet\.fleet\.network)$/);
});
