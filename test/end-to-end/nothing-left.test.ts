import { expect, test } from "vitest";
import { leftOn } from "../fleet/census.ts";
import { Fleet } from "../fleet/fleet.ts";

test("nothing is left on any host once every server is deleted", async () => {
  const fleet = await Fleet.open();
  await fleet.haveImage();
  await fleet.openAllNodes();
  const { node } = await fleet.haveRedis("guest");
  await fleet.lab("failpoint", node, "migration.source.post-dump", "refuse-once");
  expect((await fleet.vctl("migrate", "guest")).code).toBe(1);
  await fleet.does("migrate", "guest");
  await fleet.vctl("delete", "virtualservers", "--all");
  for (const { metadata } of await fleet.nodes())
    expect({ [metadata.name]: await leftOn(fleet, metadata.name) }).toEqual({ [metadata.name]: [] });
});
