import { parseArgs } from "node:util";
import { benchmarkMigration } from "./migration/run.ts";

const usage = `usage: npm run bench -- migration [--json FILE] [--sizes 64,256,512] [--runs 5] [--systems vfleet,runc,podman]
                                     [--modes StopAndCopy,Postcopy] [--data random|text] [--lab benchmark]

Moves the same redis, under the same client, by vfleet in each mode, by plain runc, and by podman, in turn, in one lab.
Prints a table; --json writes the rows.
`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    sizes: { type: "string", default: "64,256,512" },
    runs: { type: "string", default: "5" },
    systems: { type: "string", default: "vfleet,runc,podman" },
    modes: { type: "string", default: "StopAndCopy,Postcopy" },
    data: { type: "string", default: "random" },
    lab: { type: "string", default: "benchmark" },
    help: { type: "boolean", default: false },
  },
});

if (options.help || positionals.join() !== "migration") {
  process.stderr.write(usage);
  process.exit(options.help ? 0 : 2);
}

await benchmarkMigration({
  sizesMiB: options.sizes.split(",").map(Number),
  runs: Number(options.runs),
  systems: options.systems.split(","),
  modes: options.modes.split(","),
  data: options.data,
  lab: options.lab,
  jsonFile: options.json,
});
