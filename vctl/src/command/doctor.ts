import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { text as readText } from "node:stream/consumers";
import { conditionOf, conditionSchema, messageOf, nodeKind, virtualServerKind } from "@vfleet/shared";
import type { Command } from "commander";
import { z } from "zod";
import { connect } from "../api/connect.ts";
import { type AnyObject, listObjects } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { toJson } from "../output/structured.ts";

const stepSchema = z.looseObject({
  name: z.string(),
  level: z.enum(["required", "info"]),
  ok: z.boolean(),
  detail: z.string(),
  hint: z.string().optional(),
});
const checkSchema = z.looseObject({ ok: z.boolean(), steps: z.array(stepSchema) });
type Step = z.infer<typeof stepSchema>;
type Check = z.infer<typeof checkSchema>;

/** What is read of a Node, whatever its version says besides. */
const nodeViewSchema = z.looseObject({
  spec: z.looseObject({ unschedulable: z.boolean().optional() }).prefault({}),
  status: z
    .looseObject({
      conditions: z.array(conditionSchema).nullish(),
      fleet: z.looseObject({ dirtyTracking: z.boolean().optional() }).optional(),
    })
    .prefault({}),
});

const serverStatusSchema = z.looseObject({ conditions: z.array(conditionSchema).nullish() }).prefault({});

/** The host check stands beside vctl in the installation, whether this is a source or a bundle of it. */
function findCheckProgram(): string | undefined {
  const places = ["../../../", "../../"].map((up) => new URL(`${up}criu-bridge/src/check/main.ts`, import.meta.url));
  return places.map((url) => fileURLToPath(url)).find((path) => existsSync(path));
}

export function configureDoctor(command: Command, cli: Cli): void {
  command.option("--json", "for programs").action(async (options: { json?: boolean }) => {
    const host = await checkHost(cli);
    const fleet = await checkFleet(cli, command);
    const ok = host.ok && fleet.ok;
    if (options.json === true) print(cli.output, toJson({ ok, host, fleet }));
    else {
      const isNoted = [...host.steps, ...fleet.steps].some((step) => !step.ok);
      print(cli.output, "This host:");
      for (const step of host.steps) printStep(cli, step);
      print(cli.output, "\nThe fleet:");
      for (const step of fleet.steps) printStep(cli, step);
      print(
        cli.output,
        ok
          ? `\nNothing here would stop a migration${isNoted ? ", other than what is noted" : ""}.`
          : "\nWhat FAILED above would stop a migration.",
      );
    }
    cli.exitCode = ok ? 0 : 1;
  });
}

/** Moves a small program on this host, with its connection; see the program itself. */
async function checkHost(cli: Cli): Promise<Check> {
  const checkProgram = findCheckProgram();
  if (checkProgram === undefined) {
    return checkOf([
      {
        name: "host check",
        level: "info",
        ok: false,
        detail: "not part of this installation",
        hint: "Run vctl doctor on a host of the fleet",
      },
    ]);
  }
  const child = spawn(process.execPath, [checkProgram, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
    signal: cli.signal,
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve());
  });
  try {
    const [output, errors] = await Promise.all([readText(child.stdout), readText(child.stderr), ended]);
    const check = parseCheck(output);
    if (check === undefined)
      throw fail("check-unusable", { reason: errors.trim().split("\n").at(-1) || "the check printed nothing" });
    return check;
  } catch (thrown) {
    cli.signal.throwIfAborted();
    throw thrown;
  }
}

function parseCheck(output: string): Check | undefined {
  try {
    return checkSchema.parse(JSON.parse(output));
  } catch {
    return undefined; // it says why on its standard error
  }
}

/** Whether the hosts can take part; that there is no fleet yet is no fault of this host. */
async function checkFleet(cli: Cli, command: Command): Promise<Check> {
  let nodes, servers;
  try {
    const client = await connect(cli, command);
    nodes = (await listObjects(client, nodeKind, {})).items;
    servers = (await listObjects(client, virtualServerKind, {})).items;
  } catch (thrown) {
    return checkOf([
      {
        name: "fleet",
        level: "info",
        ok: false,
        detail: messageOf(thrown).split("\n")[0] ?? "",
        hint: "Without KUBECONFIG only this host is checked",
      },
    ]);
  }
  const steps = nodes.map((object): Step => {
    const { spec, status } = nodeViewSchema.parse(object);
    const readiness = conditionOf(status.conditions ?? [], "Ready");
    const ready = readiness?.status === "True";
    const rounds =
      status.fleet?.dirtyTracking === true ? "tracks dirty pages" : "no dirty tracking: no rounds of memory";
    const detail = ready
      ? `${spec.unschedulable === true ? "ready, cordoned" : "ready"}, ${rounds}`
      : `not ready: ${readiness?.message ?? readiness?.reason ?? "never heard of"}`;
    return {
      name: `node ${object.metadata.name}`,
      level: "required",
      ok: ready,
      detail,
      ...(ready ? {} : { hint: `See: vctl describe node ${object.metadata.name}` }),
    };
  });
  if (steps.length === 1)
    steps.push({ name: "targets", level: "info", ok: false, detail: "the fleet has one host, a migration needs two" });
  if (steps.length === 0)
    steps.push({
      name: "nodes",
      level: "required",
      ok: false,
      detail: "the fleet has no hosts yet",
      hint: "Start a node agent that names this controller",
    });
  return checkOf([...steps, ...nodes.flatMap(oddities), ...servers.flatMap((server) => immovable(server) ?? [])]);
}

/** What the controller finds odd about a host: nothing that stops a move, but it misleads. */
export function oddities({ metadata, status }: AnyObject): Step[] {
  const conditions = nodeViewSchema.shape.status.parse(status).conditions ?? [];
  const [skew, credible] = ["ClockSkew", "CapacityCredible"].map((type) => conditionOf(conditions, type));
  const odd = [skew?.status === "True" ? skew : undefined, credible?.status === "False" ? credible : undefined];
  return odd.flatMap((condition): Step[] =>
    condition === undefined
      ? []
      : [
          {
            name: `node ${metadata.name}`,
            level: "info",
            ok: false,
            detail: `${condition.type}: ${condition.message ?? condition.reason ?? ""}`,
            hint: `See: vctl describe node ${metadata.name}`,
          },
        ],
  );
}

/** What its node sees in a server that can't be dumped. */
function immovable({ metadata, status }: AnyObject): Step | undefined {
  const migratable = conditionOf(serverStatusSchema.parse(status).conditions ?? [], "Migratable");
  if (migratable?.status !== "False") return undefined;
  return {
    name: `server ${metadata.namespace ?? ""}/${metadata.name}`,
    level: "info",
    ok: false,
    detail: `cannot be moved while it runs: ${migratable.message ?? migratable.reason ?? "its node says so"}`,
    hint: "It holds up a drain of its host until it lets go of that, or is stopped",
  };
}

function checkOf(steps: Step[]): Check {
  return { ok: steps.every(({ ok, level }) => ok || level === "info"), steps };
}

function printStep(cli: Cli, { name, level, ok, detail, hint }: Step): void {
  const mark = ok ? "ok" : level === "info" ? "note" : "FAILED";
  print(cli.output, `  ${mark.padEnd(7)} ${name}: ${detail}`);
  if (!ok && hint !== undefined) print(cli.output, `          ${hint}`);
}
