import { programLoad, type Place, type Workload } from "./workload.ts";

const start = `
install -d -o mysql -g mysql /srv/db /run/mysqld
mariadb-install-db --user=mysql --datadir=/srv/db --skip-test-db --force >/dev/null 2>&1
printf "%s\\n" "CREATE USER slap@'%';" "GRANT ALL ON *.* TO slap@'%';" >/tmp/init.sql
exec mariadbd --user=mysql --datadir=/srv/db --bind-address=0.0.0.0 --skip-name-resolve --init-file=/tmp/init.sql
`;

function ask({ fleet, address }: Place, query: string) {
  return fleet.exec("client", "mysql", "--host", address, "--user", "slap", "--batch", "--execute", query);
}

/** A thread for each connection, InnoDB with its own asynchronous writes; mysqlslap inserts and reads on eight connections. */
export const mariadb: Workload = {
  name: "mariadb",
  memory: "1Gi",
  command: ["sh", "-c", start],
  // The port is there before the user is.
  probe: async (place) => (await ask(place, "SELECT 1")).code === 0,
  load: async (place) => {
    const slap = ["mysqlslap", "--host", place.address, "--user", "slap", "--concurrency", "8", "--auto-generate-sql"];
    const work = ["--auto-generate-sql-load-type", "mixed", "--number-of-queries", "10000000", "--no-drop"];
    const running = programLoad(place, [...slap, ...work]);
    return {
      finish: async () => {
        const said = await running.end("SIGTERM");
        if (/error|lost/i.test(said)) throw new Error(`mysqlslap: ${said}`);
        const { stdout, stderr } = await ask(
          place,
          "CHECK TABLE mysqlslap.t1 EXTENDED; SELECT COUNT(*) FROM mysqlslap.t1",
        );
        if (!/check\tstatus\tOK\s[^]*\n[1-9]\d{2,}\s*$/.test(stdout)) throw new Error(`its table: ${stdout}${stderr}`);
      },
    };
  },
};
