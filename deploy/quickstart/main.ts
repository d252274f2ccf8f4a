/**
 * `npm run quickstart [-- --json FILE]`: from a fresh machine to a drained host whose server's client noticed a pause and
 * nothing else. The lab stays up afterwards, to be played with. Running it again starts from what is there.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { EventProgram } from "../load/event-program.ts";
import { root, runRead, runShown } from "./programs.ts";
import { summaryLines, type QuickstartResult } from "./summary.ts";

const usage = `usage: npm run quickstart -- [--json FILE] [--name LAB] [--fill-mib 256] [--skip-install]

Brings up a fleet of three hosts on this machine, starts a redis in a virtual server, and drains its host
while a client counts in it over one TCP connection. Needs Debian 12 or 13 and root.
`;

const hosts = 3;
const image = "debian-12-redis";
const server = "cache";

const started = performance.now();
let step = 0;

function say(text: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${seconds} s  ${text}\n`);
}

function announce(text: string): void {
  step += 1;
  say(`[${step}/7] ${text}`);
}

/** What `lab env` exports, read by a shell as a person's would. */
async function labEnvironment(exportLines: string): Promise<NodeJS.ProcessEnv> {
  const text = await runRead("sh", ["-c", `${exportLines}\nexec env -0`], process.env);
  const entries = text.split("\0").filter((entry) => entry.includes("="));
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

interface Item {
  metadata: { name: string; creationTimestamp: string };
  spec: { server?: string; unschedulable?: boolean };
  status?: Record<string, unknown>;
}

async function items(kind: string, env: NodeJS.ProcessEnv): Promise<Item[]> {
  const list = JSON.parse(await runRead("vctl", ["get", kind, "-o", "json"], env)) as { items: Item[] };
  return list.items;
}

/** The fleet as the last run left it, without its server and with every host open again. */
async function startAfresh(env: NodeJS.ProcessEnv): Promise<void> {
  for (const node of await items("nodes", env)) {
    if (node.spec.unschedulable === true) await runShown("vctl", ["uncordon", node.metadata.name], env);
  }
  if ((await items("virtualservers", env)).some((item) => item.metadata.name === server)) {
    await runShown("vctl", ["delete", "virtualserver", server], env);
  }
}

async function makeImage(env: NodeJS.ProcessEnv): Promise<void> {
  const existing = (await items("images", env)).find((item) => item.metadata.name === image);
  if (existing?.status?.["phase"] === "Ready") return;
  if (existing !== undefined) await runShown("vctl", ["delete", "image", image], env);
  await runShown("vctl", ["image", "build", image, "--suite", "bookworm", "--packages", "redis-server"], env);
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      json: { type: "string" },
      name: { type: "string", default: "default" },
      "fill-mib": { type: "string", default: "256" },
      "skip-install": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  const lab = (...args: string[]) => [`${root}deploy/lab/main.ts`, ...args];

  announce("Packages: runc, CRIU, btrfs, NATS, Redis, ...");
  if (!options["skip-install"]) await runShown(process.execPath, ["deploy/install/main.ts"], process.env);
  announce("Build");
  await runShown("sh", ["deploy/scripts/build.sh"], process.env);
  announce(`Lab: ${hosts} hosts, a control host, a client host`);
  await runShown(process.execPath, lab("up", "--hosts", String(hosts), "--name", options.name), process.env);
  const env = await labEnvironment(await runRead(process.execPath, lab("env", "--name", options.name), process.env));

  announce(`Image ${image}: a Debian with redis, made from packages (kept for the next time)`);
  await startAfresh(env);
  await makeImage(env);

  announce(`Virtual server "${server}"`);
  const command = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no"];
  await runShown("vctl", ["run", server, "--image", image, "--memory", "1Gi", "--", ...command], env);
  const placed = JSON.parse(await runRead("vctl", ["get", "virtualserver", server, "-o", "json"], env)) as Item;
  const from = String(placed.status?.["nodeName"]);
  const address = String(placed.status?.["address"]);
  say(`${server} runs on ${from} at ${address}`);

  announce(`Client: ${options["fill-mib"]} MiB of data, then INCR over one TCP connection without pause`);
  const counter = new EventProgram(
    process.execPath,
    lab(
      "exec",
      "--name",
      options.name,
      "client",
      "--",
      process.execPath,
      `${root}deploy/load/redis-counter.ts`,
      "--host",
      address,
      "--fill-mib",
      options["fill-mib"],
    ),
    env,
  );
  try {
    await counter.event("counting");
    announce(`Drain of ${from}, while the client counts`);
    await runShown("vctl", ["drain", from], env);
    const seen = await counter.finish();
    const migration = (await items("migrations", env))
      .filter((item) => item.spec.server === server && item.status?.["sourceNode"] === from)
      .toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp))
      .at(-1);
    const moved = migration?.status ?? {};
    const after = JSON.parse(await runRead("vctl", ["get", "virtualserver", server, "-o", "json"], env)) as Item;
    const result: QuickstartResult = {
      connectionKept: seen["connectionKept"] === true,
      writesLost: Number(seen["writesLost"]),
      longestPauseMs: Number(seen["longestPauseMs"]),
      totalMs: Number(moved["totalMs"]),
      wireBytes: Number(moved["wireBytes"]),
      memoryBytes: Number(moved["memoryBytes"]),
      from,
      to: String(after.status?.["nodeName"]),
    };
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    process.stderr.write(
      `\n${summaryLines(result, Number(seen["acknowledged"]))
        .map((line) => `  ${line}`)
        .join("\n")}\n\n`,
    );
    process.stderr.write(nextSteps(options.name, from));
    if (!result.connectionKept || result.writesLost > 0 || result.to === from) process.exitCode = 1;
  } finally {
    counter.kill();
  }
}

function nextSteps(name: string, drained: string): string {
  const flag = name === "default" ? "" : ` --name ${name}`;
  return `The lab is still up. Try:

  eval "$(npm run -s lab -- env${flag})"        # vctl, lab and kubectl's configuration for this shell
  vctl get nodes,virtualservers -o wide
  vctl uncordon ${drained}
  vctl migrate ${server} --to ${drained}           # and back again
  vctl exec -it ${server} -- sh
  vctl describe migrations
  npm run lab -- down${flag}                     # leaves nothing behind
`;
}

main().catch((thrown: unknown) => {
  process.stderr.write(`quickstart: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
});
