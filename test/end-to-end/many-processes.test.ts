import { afterAll, beforeAll, expect, test } from "vitest";
import { installedPaths } from "../../deploy/install/where.ts";
import { Fleet, image } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

/** A database of its own user with a process for each client, beside a redis of root. */
const start = `
install -d -o postgres -g postgres /srv/pg
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
bin=$(echo /usr/lib/postgresql/*/bin)
as_postgres $bin/initdb -D /srv/pg -A trust >/dev/null
echo 'host all all 0.0.0.0/0 trust' >> /srv/pg/pg_hba.conf
redis-server --bind 0.0.0.0 --protected-mode no --save '' &
exec setpriv --reuid=postgres --regid=postgres --init-groups $bin/postgres -D /srv/pg -c listen_addresses='*' -c unix_socket_directories=/tmp
`;

const fleetOpen = Fleet.open();
beforeAll(async () => (await fleetOpen).haveImage());
afterAll(async () => (await fleetOpen).remove("database"));

test("a server of many processes and users moves under its clients: no failed transaction", async () => {
  const fleet = await fleetOpen;
  await fleet.openAllNodes();
  await fleet.does("run", "database", "--image", image, "--memory", "1Gi", "--", "sh", "-c", start);
  const { status } = await fleet.server("database");
  const address = status?.address ?? "";
  const pgbench = (...args: string[]) =>
    fleet.exec("client", `${installedPaths().binFolder}/pgbench`, "-h", address, "-U", "postgres", ...args, "postgres");
  await until("PostgreSQL to answer and be filled", 60_000, async () =>
    (await pgbench("-i", "-s", "2", "-q")).code === 0 ? true : undefined,
  );

  const running = pgbench("-c", "4", "-j", "2", "-T", "20");
  const counter = fleet.counter(address);
  await counter.event("counting");
  const node = status?.nodeName ?? "";
  const target = await fleet.otherNode(node);
  await fleet.does("migrate", "database", "--to", target);
  await fleet.does("migrate", "database", "--to", node);

  const finished = await running;
  expect(finished.code).toBe(0);
  expect(finished.stdout).toMatch(/number of failed transactions: 0 /);
  expect(finished.stderr).not.toMatch(/error|abort/i);
  expect(await counter.finish()).toMatchObject({ connectionKept: true, writesLost: 0 });
  expect((await fleet.server("database")).status).toMatchObject({ nodeName: node, epoch: 3 });
});
