import { parseArgs } from "node:util";
import { migrationModeSchema, parseBytes } from "@vfleet/shared";
import { benchmarkDrain } from "./drain/run.ts";
import { benchmarkMigration } from "./migration/run.ts";
import { benchmarkRounds } from "./rounds/run.ts";
import { benchmarkDrainPlan } from "./scheduler/drain-plan.ts";
import { benchmarkFailureDetection } from "./scheduler/failure-detection.ts";
import { benchmarkHeartbeats } from "./scheduler/heartbeats.ts";
import { benchmarkScheduler } from "./scheduler/run.ts";
import { scenarioNames } from "./scheduler/scenarios.ts";

const usage = `usage: npm run bench -- migration [--json FILE] [--sizes 64,256,512] [--runs 5] [--systems vfleet,runc,podman]
                                     [--modes StopAndCopy,Postcopy] [--data random|text] [--lab benchmark]

Moves the same redis, under the same client, by vfleet in each mode, by plain runc, and by podman, in turn, in one lab.
       npm run bench -- rounds [--json FILE] [--sizes 256] [--runs 3] [--modes Precopy,StopAndCopy] [--write-mib 5]

Moves a redis that is written to between virtual machines, whose kernel tracks dirty pages, with rounds and without.

       npm run bench -- drain [--json FILE] [--servers 20] [--memory 64Mi] [--parallel 1,2,5] [--lab benchmark]

Drains a host of servers, each with a client that counts in it all the time, with so many moves at once, in one lab of three hosts.

       npm run bench -- scheduler [--json FILE] [--nodes 5000] [--servers 50000] [--scenarios basic,spread,antiAffinity,churn]
                                  [--profile FOLDER]

Places servers by the real controller over a real NATS server; the agents are simulated. --profile writes the controller's CPU profiles.

       npm run bench -- heartbeats [--json FILE] [--nodes 10000] [--servers 10000] [--profile FOLDER]
       npm run bench -- drain-plan [--json FILE] [--nodes 1000] [--servers 200] [--others 5000]
       npm run bench -- failure-detection [--json FILE] [--nodes 5000] [--servers 10]

In the same fleet: what it costs the controller to hear of all nodes; how long the plan of a drain takes; how long a silent node goes unnoticed.

All print a table; --json writes the rows.
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    sizes: { type: "string" },
    runs: { type: "string" },
    systems: { type: "string", default: "vfleet,runc,podman" },
    modes: { type: "string" },
    "write-mib": { type: "string", default: "5" },
    data: { type: "string", default: "random" },
    lab: { type: "string", default: "benchmark" },
    nodes: { type: "string" },
    others: { type: "string", default: "5000" },
    scenario: { type: "string" },
    servers: { type: "string" },
    memory: { type: "string", default: "64Mi" },
    parallel: { type: "string", default: "2" },
    scenarios: { type: "string", default: scenarioNames.join(",") },
    profile: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const benchmarks: Record<string, () => Promise<unknown>> = {
  migration: () =>
    benchmarkMigration({
      sizesMiB: (options.sizes ?? "64,256,512").split(",").map(Number),
      runs: Number(options.runs ?? 5),
      systems: options.systems.split(","),
      modes: (options.modes ?? "StopAndCopy,Postcopy").split(","),
      data: options.data,
      lab: options.lab,
      jsonFile: options.json,
    }),
  rounds: () =>
    benchmarkRounds({
      residentMiB: Number(options.sizes ?? 256),
      writeMiB: Number(options["write-mib"]),
      runs: Number(options.runs ?? 3),
      modes: migrationModeSchema.array().parse((options.modes ?? "Precopy,StopAndCopy").split(",")),
      jsonFile: options.json,
    }),
  drain: () =>
    benchmarkDrain({
      servers: Number(options.servers ?? 20),
      dataMiB: Math.ceil(parseBytes(options.memory) / 2 ** 20),
      parallel: options.parallel.split(",").map(Number),
      lab: options.lab,
      jsonFile: options.json,
    }),
  scheduler: () =>
    benchmarkScheduler({
      nodes: Number(options.nodes ?? 5000),
      servers: Number(options.servers ?? 50_000),
      scenarios: scenarioNames.filter((name) => (options.scenario ?? options.scenarios).split(",").includes(name)),
      jsonFile: options.json,
      profileFolder: options.profile,
    }),
  heartbeats: () =>
    benchmarkHeartbeats({
      nodes: Number(options.nodes ?? 10_000),
      servers: Number(options.servers ?? 10_000),
      jsonFile: options.json,
      profileFolder: options.profile,
    }),
  "drain-plan": () =>
    benchmarkDrainPlan({
      nodes: Number(options.nodes ?? 1000),
      servers: Number(options.servers ?? 200),
      others: Number(options.others),
      jsonFile: options.json,
    }),
  "failure-detection": () =>
    benchmarkFailureDetection({
      nodes: Number(options.nodes ?? 5000),
      servers: Number(options.servers ?? 10),
      jsonFile: options.json,
    }),
};
const chosen = benchmarks[positionals.join(" ")];
if (options.help || chosen === undefined) {
  process.stderr.write(usage);
  process.exit(options.help ? 0 : 2);
}
await chosen();
