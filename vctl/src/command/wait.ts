import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { followObject } from "../api/follow.ts";
import { type AnyObject, listObjects } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { fail, usageError } from "../fail.ts";
import { printError } from "../print-error.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { parseGoal, type Goal } from "../resource/goal.ts";
import { resolveArguments } from "../resource/resource-arguments.ts";
import { objectName, qualifiedPlural, type ResourceType } from "../resource/resource-type.ts";
import { deadlineSignal } from "./deadline.ts";
import { addSelectionOptions, namespaceOf, type SelectionOptions, selectionQuery } from "./selection-options.ts";

interface WaitOptions extends SelectionOptions {
  for: string;
  timeout: number;
  all?: boolean;
}

interface WaitTarget {
  type: ResourceType;
  namespace: string | undefined;
  name: string;
}

export function configureWait(command: Command, cli: Cli): void {
  addSelectionOptions(command)
    .argument("<resource...>", "TYPE/NAME..., TYPE NAME..., or TYPE with --all or a selector")
    .requiredOption("--for <goal>", "condition=NAME[=VALUE], jsonpath='{.path}'=VALUE, create or delete")
    .option("--timeout <duration>", "how long to wait; 0: only look once; below 0: a week", parseDurationMs, 30_000)
    .option("--all", "all objects of the type in the namespace")
    .action(async (words: string[], options: WaitOptions) => {
      const goal = parseGoal(options.for);
      const client = await connect(cli, command);
      const targets = await select(client, words, options);
      if (targets.length === 0) throw usageError("no matching resources found");
      const weekMs = 7 * 24 * 3_600_000;
      const timeoutMs = options.timeout < 0 ? weekMs : Math.max(1, options.timeout);
      const signal = deadlineSignal(cli, timeoutMs);
      // One after the other: all must be there in the end, so the order makes no difference.
      for (const target of targets) await waitFor(cli, client, { target, goal, signal });
    });
}

async function select(client: ApiClient, words: readonly string[], options: WaitOptions): Promise<WaitTarget[]> {
  const targets: WaitTarget[] = [];
  for (const { type, name } of await resolveArguments(words, client)) {
    const namespace = namespaceOf(client, type, options);
    if (name !== undefined) targets.push({ type, namespace, name });
    else if (options.all === true || options.selector !== undefined || options.fieldSelector !== undefined) {
      const { items } = await listObjects(client, type, { namespace, query: selectionQuery(options) });
      targets.push(
        ...items.map(({ metadata }) => ({ type, namespace: metadata.namespace ?? namespace, name: metadata.name })),
      );
    } else throw usageError("resource(s) were provided, but no name was specified", "Give names, --all or a selector");
  }
  return targets;
}

async function waitFor(
  cli: Cli,
  client: ApiClient,
  { target, goal, signal }: { target: WaitTarget; goal: Goal; signal: AbortSignal },
): Promise<void> {
  const { type, name } = target;
  try {
    for (;;) {
      const result = await watchUntil(cli, client, { target, goal, signal });
      if (result === "met") {
        print(cli.output, `${objectName(type, name)} condition met`);
        return;
      }
      if (result === "missing") {
        printError(
          cli,
          new StatusError(
            { kind: "Status", reason: "NotFound", message: `${qualifiedPlural(type)} "${name}" not found` },
            404,
          ),
        );
        cli.exitCode = 1;
        return;
      }
      await cli.environment.sleep(500, signal);
    }
  } catch (thrown) {
    if (!signal.aborted || cli.signal.aborted) throw thrown;
    printError(cli, fail("timed-out", { what: `the condition on ${type.plural}/${name}` }));
    cli.exitCode = 1;
  }
}

async function watchUntil(
  cli: Cli,
  client: ApiClient,
  { target: { type, namespace, name }, goal, signal }: { target: WaitTarget; goal: Goal; signal: AbortSignal },
): Promise<"met" | "missing" | "again"> {
  let uid: string | undefined;
  for await (const object of followObject(client, type, { name, namespace, signal, environment: cli.environment })) {
    uid ??= object?.metadata.uid;
    if (isMet(goal, object, uid)) return "met";
    if (object === undefined) return goal.kind === "create" ? "again" : "missing";
  }
  return "again";
}

function isMet(goal: Goal, object: AnyObject | undefined, uid: string | undefined): boolean {
  if (goal.kind === "delete") return object === undefined || object.metadata.uid !== uid;
  return object !== undefined && (goal.kind === "create" || goal.isMet(object));
}
