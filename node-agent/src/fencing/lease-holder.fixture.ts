import { createLogger, systemEnvironment } from "@vfleet/shared";
import { assignmentForTests } from "../reconcile/assignment.fixture.ts";
import { Fencing } from "./fencing.ts";

/**
 * An agent's fencing without the agent, for tests that kill it: arms the servers of its arguments, `UID` or `UID=held`. Its lease is renewed
 * until its standard input says `silence`, and again from `answer` on. Says each term that begins and ends.
 */
const [folder = "", cgroupParent = "", ...servers] = process.argv.slice(2);
const fencing = await Fencing.open({
  config: { cgroupParent },
  folder,
  environment: systemEnvironment,
  log: createLogger("lease-holder", "fatal"),
});
const leaseMs = Number(process.env["LEASE_MS"]);
let isAnswering = true;
process.stdin.on("data", (line) => {
  isAnswering = String(line).trim() === "answer";
});
fencing.keep(
  () => (isAnswering ? Promise.resolve(leaseMs) : Promise.reject(new Error("not answered"))),
  () => {
    for (const server of servers) {
      const [uid = "", held] = server.split("=");
      const assignment = assignmentForTests({ uid, endsWithLease: true });
      const record = { version: 1 as const, uid, epoch: 1, restarts: 0, assignment };
      fencing.follow(held === undefined ? record : { ...record, heldBy: "operation" });
    }
    process.stdout.write(`term ${fencing.term ?? "none"}\n`);
  },
);
