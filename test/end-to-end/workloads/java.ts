import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../fleet/paths.ts";
import { answersOn, numberLoad, type Workload } from "./workload.ts";

const start = `
printf '%s' "$SOURCE" >/srv/NumberServer.java
unset SOURCE
javac -d /srv /srv/NumberServer.java
exec java -Xmx256m -cp /srv NumberServer
`;

/** A Java virtual machine: just-in-time compiled code, a collector at work, a thread for each of a hundred connections. */
export const java: Workload = {
  name: "java",
  image: { name: "debian-12-java", packages: ["openjdk-17-jdk-headless"] },
  memory: "1Gi",
  command: ["sh", "-c", start],
  environment: async () => ({
    SOURCE: await readFile(join(root, "test/workloads/java/NumberServer.java"), "utf8"),
  }),
  probe: answersOn(7000),
  load: (place) => numberLoad(place, { protocol: "lines", port: 7000, connections: 100 }),
};
