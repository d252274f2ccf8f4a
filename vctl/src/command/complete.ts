import {
  checkpointKind,
  checkpointScheduleKind,
  drainFallbacks,
  findKind,
  imageKind,
  kinds,
  migrationKind,
  migrationModes,
  namespaceKind,
  nodeKind,
  rebalanceModes,
  virtualServerKind,
} from "@vfleet/shared";
import type { Command } from "commander";
import { ApiClient } from "../api/api-client.ts";
import { addGlobalOptions, type GlobalOptions } from "../api/connect.ts";
import { loadKubeConfig } from "../api/kube-config.ts";
import { listObjects } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import type { ResourceType } from "../resource/resource-type.ts";
import { verbs } from "../verbs.ts";
import { deadlineSignal } from "./deadline.ts";

/** What stands at a place on the command line. */
type Wanted = "types" | "contexts" | ResourceType | readonly string[];

/** Where a verb's words are neither types nor subcommands. */
const positions: Readonly<Record<string, (index: number) => Wanted>> = {
  get: () => "types",
  describe: () => "types",
  delete: () => "types",
  wait: () => "types",
  exec: (index) => (index === 0 ? virtualServerKind : []),
  logs: (index) => (index === 0 ? virtualServerKind : []),
  migrate: (index) => (index === 0 ? virtualServerKind : []),
  "checkpoint create": (index) => (index === 0 ? virtualServerKind : []),
  "checkpoint restore": (index) => (index === 0 ? checkpointKind : []),
  "checkpoint delete": () => checkpointKind,
  "checkpoint schedule delete": () => checkpointScheduleKind,
  "checkpoint schedule suspend": () => checkpointScheduleKind,
  "checkpoint schedule resume": () => checkpointScheduleKind,
  drain: (index) => (index === 0 ? nodeKind : []),
  cordon: () => nodeKind,
  uncordon: () => nodeKind,
  top: (index) => (index === 0 ? ["nodes", "servers"] : []),
  completion: (index) => (index === 0 ? ["bash", "zsh"] : []),
  "config use-context": (index) => (index === 0 ? "contexts" : []),
  "config get-contexts": () => "contexts",
};

const flagValues: Readonly<Record<string, Wanted>> = {
  "--namespace": namespaceKind,
  "--context": "contexts",
  "--output": ["json", "name", "wide", "yaml"],
  "--to": nodeKind,
  "--node": nodeKind,
  "--image": imageKind,
  "--mode": migrationModes,
  "--server": virtualServerKind,
  "--time-zone": Intl.supportedValuesOf("timeZone"),
  "--bandwidth": ["10M", "50M", "100M"],
  "--max-downtime": ["300ms", "900ms", "2s"],
  "--sort-by": ["cpu", "memory"],
  "drain --cancel": nodeKind,
  "drain --fallback": drainFallbacks,
  "uncordon --fallback": ["cold", "wait"],
  "migrate --cancel": migrationKind,
  "rebalance --mode": rebalanceModes,
  "wait --for": ["condition=", "create", "delete", "jsonpath="],
};

/** The hidden verb that the completion scripts call with the words so far, the last one being typed. */
export function configureComplete(command: Command, cli: Cli): void {
  command.argument("[word...]").action(async (words: string[]) => {
    for (const candidate of await complete(cli, command, words)) print(cli.output, candidate);
  });
}

export async function complete(cli: Cli, template: Command, words: readonly string[]): Promise<string[]> {
  const current = words.at(-1) ?? "";
  const place = await placeOf(cli, template, words.slice(0, -1));
  const wanted =
    place.flag ?? (current.startsWith("-") && !place.literal ? place.flags : undefined) ?? place.positional;
  const names = await namesFor(cli, wanted, { place, current });
  return names.filter((name) => name.startsWith(current)).toSorted();
}

interface Place {
  flags: string[];
  /** Set where a flag's value is being typed. */
  flag: Wanted | undefined;
  positional: Wanted;
  /** Words that are not flags, after the verb. */
  operands: string[];
  globals: GlobalOptions;
  /** After `--`: words of a command that is not ours. */
  literal: boolean;
}

async function placeOf(cli: Cli, template: Command, words: readonly string[]): Promise<Place> {
  let command = addGlobalOptions(template.createCommand());
  for (const verb of verbs) command.command(verb.name);
  let path = "";
  const globals: GlobalOptions = {};
  const operands: string[] = [];
  let flag: Wanted | undefined;
  let literal = false;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (literal || !word.startsWith("-") || word === "-") {
      const child = literal
        ? undefined
        : command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (child === undefined) operands.push(word);
      else {
        if (path === "")
          (await verbs.find(({ name }) => name === child.name())?.load())?.(addGlobalOptions(child), cli);
        else addGlobalOptions(child);
        path = `${path} ${child.name()}`.trim();
        command = child;
      }
    } else if (word === "--") literal = true;
    else {
      const option = command.options.find(({ short, long }) => word === short || word === long);
      if (option === undefined || !option.required) continue;
      index += 1;
      const value = words[index];
      const long = option.long ?? "";
      if (value === undefined) flag = option.argChoices ?? flagValues[`${path} ${long}`] ?? flagValues[long] ?? [];
      else if (long === "--namespace" || long === "--context" || long === "--kubeconfig")
        globals[long.slice(2) as keyof GlobalOptions] = value; // one of the three names
    }
  }
  const flags = command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));
  const subcommands = command.commands.map((one) => one.name());
  const positional = literal ? [] : (positions[path]?.(operands.length) ?? (operands.length === 0 ? subcommands : []));
  return { flags, flag, positional, operands, globals, literal };
}

async function namesFor(
  cli: Cli,
  wanted: Wanted,
  { place, current }: { place: Place; current: string },
): Promise<string[]> {
  if (wanted === "contexts") return (await loadKubeConfig(cli, place.globals)).getContexts().map(({ name }) => name);
  if (wanted === "types") return typesOrNames(cli, place, current);
  return "plural" in wanted ? objectNames(cli, wanted, place.globals) : [...wanted];
}

/** `no` -> `nodes`; `nodes/` and `nodes ` -> their names. */
async function typesOrNames(cli: Cli, { operands, globals }: Place, current: string): Promise<string[]> {
  const [typeWord] = current.includes("/") ? current.split("/") : operands;
  if (typeWord === undefined) return kinds.map(({ plural }) => plural);
  const kind = findKind(typeWord);
  if (kind === undefined) return [];
  const names = await objectNames(cli, kind, globals);
  return current.includes("/")
    ? names.map((name) => `${typeWord}/${name}`)
    : names.filter((name) => !operands.includes(name));
}

/** A person is waiting with a finger on the key. */
const patienceMs = 2000;

async function objectNames(cli: Cli, kind: ResourceType, globals: GlobalOptions): Promise<string[]> {
  const signal = deadlineSignal(cli, patienceMs);
  try {
    const client = new ApiClient(await loadKubeConfig(cli, globals), globals.namespace);
    const listed = listObjects(client, kind, { namespace: kind.namespaced ? client.namespace : undefined });
    const late = new Promise<never>((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(new Error("too late")), { once: true }),
    );
    return (await Promise.race([listed, late])).items.map(({ metadata }) => metadata.name);
  } catch {
    return []; // nothing to offer is no error while typing
  }
}
