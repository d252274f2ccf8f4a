import { expect, test } from "vitest";
import { Fleet } from "../fleet/fleet.ts";
import { endToEndLab } from "../fleet/paths.ts";
import { until } from "../fleet/program.ts";

/** What hosts may not keep of servers that are gone: asked of each host itself. */
const census = `
echo containers: $(runc --root /run/vfleet/runc list -q | wc -l)
echo processes: $(cat /proc/[0-9]*/comm 2>/dev/null | grep -cxE 'conmon|criu|runc(:.*)?')
echo ports: $(ip -o link show master vfleet0 type veth 2>/dev/null | wc -l)
echo volumes: $(btrfs subvolume list "$1" | grep -vc ' images/')
echo operations: $(find /run/vfleet -xdev -name '*.img' 2>/dev/null | wc -l)
`;

test("nothing is left on any host once every server is deleted", async () => {
  const fleet = await Fleet.open();
  await fleet.haveImage();
  await fleet.openAllNodes();
  const { node } = await fleet.haveRedis("guest");
  await fleet.lab("failpoint", node, "migration.source.post-dump", "refuse-once");
  expect((await fleet.vctl("migrate", "guest")).code).toBe(1);
  await fleet.does("migrate", "guest");
  await fleet.vctl("delete", "virtualservers", "--all");
  for (const node of await fleet.nodes()) {
    const name = node.metadata.name;
    const volumes = `/var/lib/vfleet-lab/${endToEndLab}/${name}/volumes`;
    const nothing = ["containers: 0", "processes: 0", "ports: 0", "volumes: 0", "operations: 0"];
    let left: string[] = [];
    await until(`nothing to be left on ${name}`, 30_000, async () => {
      left = (await fleet.exec(name, "sh", "-c", census, "sh", volumes)).stdout.trim().split("\n");
      return left.join() === nothing.join() ? true : undefined;
    }).catch(() => undefined);
    expect({ [name]: left }).toEqual({ [name]: nothing });
  }
});
