import type { Fleet } from "./fleet.ts";
import { until } from "./program.ts";

/** What hosts may not keep of servers that are gone: asked of each host itself. */
const leftovers = `
echo containers: $(runc --root /run/vfleet/runc list -q | wc -l)
echo processes: $(cat /proc/[0-9]*/comm 2>/dev/null | grep -cxE 'conmon|criu|runc(:.*)?')
echo ports: $(ip -o link show master vfleet0 type veth 2>/dev/null | wc -l)
echo volumes: $(btrfs subvolume list "$1" | grep -vc ' images/')
echo operations: $(find /run/vfleet -xdev -name '*.img' 2>/dev/null | wc -l)
`;

/** What is left on a host beside its `servers`, once nothing is or after the deadline: `[]`, or every count. */
export async function leftOn(
  fleet: Fleet,
  host: string,
  { servers = 0, deadlineMs = 30_000 }: { servers?: number; deadlineMs?: number } = {},
): Promise<readonly string[]> {
  const volumes = `${fleet.labFolder}/${host}/volumes`;
  const owned = ["containers", "processes", "ports", "volumes"].map((what) => `${what}: ${servers}`);
  const wanted = [...owned, "operations: 0"].join();
  let left: readonly string[] = [];
  await until(`nothing to be left on ${host}`, deadlineMs, async () => {
    const counted = (await fleet.exec(host, "sh", "-c", leftovers, "sh", volumes)).stdout.trim().split("\n");
    left = counted.join() === wanted ? [] : counted;
    return left.length === 0 ? true : undefined;
  }).catch(() => undefined);
  return left;
}

/** Hosts that have a process of that name, once for each. */
export async function hostsRunning(fleet: Fleet, program: string): Promise<readonly string[]> {
  const count = 'cat /proc/[0-9]*/comm 2>/dev/null | grep -cx "$1"';
  const found = await Promise.all(
    (await fleet.nodes()).map(async ({ metadata: { name } }) => {
      const { stdout } = await fleet.exec(name, "sh", "-c", count, "sh", program);
      return Array.from({ length: Number(stdout) }, () => name);
    }),
  );
  return found.flat();
}
