import { answersOn, programLoad, type Workload } from "./workload.ts";

const start = `
install -d -o mysql -g mysql /srv/db /run/mysqld
mariadb-install-db --user=mysql --datadir=/srv/db --skip-test-db --force >/dev/null 2>&1
printf "%s\\n" "CREATE USER load@'%'; GRANT ALL ON *.* TO load@'%';" >/tmp/init.sql
exec mariadbd --user=mysql --datadir=/srv/db --bind-address=0.0.0.0 --skip-name-resolve --init-file=/tmp/init.sql
`;

/** A thread for each connection, InnoDB with its own asynchronous writes; mysqlslap inserts and reads on eight connections. */
export const mariadb: Workload = {
  name: "mariadb",
  memory: "1Gi",
  command: ["sh", "-c", start],
  probe: answersOn(3306),
  load: async (place) => {
    const slap = ["mysqlslap", "--host", place.address, "--user", "load", "--concurrency", "8", "--auto-generate-sql"];
    const work = ["--auto-generate-sql-load-type", "mixed", "--number-of-queries", "10000000", "--no-drop"];
    const running = programLoad(place, [...slap, ...work]);
    return {
      finish: async () => {
        const said = await running.end("SIGTERM");
        if (/error|lost/i.test(said)) throw new Error(`mysqlslap: ${said}`);
      },
    };
  },
};
