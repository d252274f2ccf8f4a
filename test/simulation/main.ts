import { parseArgs } from "node:util";
import { runFleet } from "./run-fleet.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    failover: { type: "boolean", default: false },
    "long-faults": { type: "boolean", default: false },
    lines: { type: "boolean", default: false },
  },
});
const first = Number(values.seed);
const startedMs = Date.now();
let failed = 0;
const sums = { runs: 0, writes: 0, moves: 0, takeovers: 0, virtualMs: 0 };
for (let seed = first; seed < first + Number(values.runs); seed++) {
  const run = await runFleet(seed, { hasFailover: values.failover, hasLongFaults: values["long-faults"] });
  for (const name of ["runs", "writes", "moves", "takeovers", "virtualMs"] as const) sums[name] += run.figures[name];
  if (run.failure === undefined) continue;
  failed += 1;
  console.log(`seed ${seed}: ${run.failure.message}`);
  if (values.lines) console.log(run.failure.lines.join("\n"));
}
console.log(JSON.stringify({ ...sums, failed, wallMs: Date.now() - startedMs }));
process.exitCode = failed === 0 ? 0 : 1;
