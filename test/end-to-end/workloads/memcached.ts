import { answersOn, numberLoad, type Workload } from "./workload.ts";

/** Several threads on libevent; its client adds to a counter. */
export const memcached: Workload = {
  name: "memcached",
  memory: "256Mi",
  command: ["sh", "-c", "exec memcached -u root -l 0.0.0.0 -m 64 -t 4"],
  probe: answersOn(11211),
  load: async (place) => {
    // It counts from a value that a first client sets.
    const set = `const s = require("node:net").connect(11211, process.argv[1]); s.on("data", () => process.exit(0)); s.write("set n 0 0 1\\r\\n0\\r\\n")`;
    await place.fleet.exec("client", process.execPath, "-e", set, place.address);
    return numberLoad(place, { protocol: "lines", port: 11211, request: "incr n 1\r\n" });
  },
};
