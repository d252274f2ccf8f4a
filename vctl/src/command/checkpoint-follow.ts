import type { checkpointKind, restoreKind } from "@vfleet/shared";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { followObject } from "../api/follow.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { Progress } from "../output/progress.ts";
import { deadlineSignal } from "./deadline.ts";

const statusSchema = z.looseObject({
  phase: z.string().default("Pending"),
  message: z.string().optional(),
  node: z.string().optional(),
});

/** Says how far a checkpoint or a restore is; returns its status once that is good, throws where it failed. */
export async function followPhases(
  cli: Cli,
  client: ApiClient,
  { type, name, timeoutMs }: { type: typeof checkpointKind | typeof restoreKind; name: string; timeoutMs: number },
): Promise<unknown> {
  const progress = new Progress(cli.error);
  const signal = deadlineSignal(cli, timeoutMs);
  const what = `${type.singular}/${name}`;
  const hint = `It goes on. To follow it: vctl get ${type.singular} ${name} -w`;
  const { namespace } = client;
  let said = "";
  try {
    for await (const object of followObject(client, type, { name, namespace, signal, environment: cli.environment })) {
      if (object === undefined) throw fail("object-gone", { what: `${type.kind} "${name}"` });
      const { phase, message, node, ...status } = statusSchema.parse(object["status"] ?? {});
      if (phase === "Failed")
        throw fail(
          type.kind === "Restore" ? "restore-failed" : "checkpoint-failed",
          { name, reason: message ?? "no reason given" },
          { hint: `See: vctl describe ${type.singular} ${name}` },
        );
      if (phase === "Ready" || phase === "Succeeded") return { ...status, node };
      const line = `${what} is ${phase}${node === undefined ? "" : ` on ${node}`}${message === undefined ? "" : `: ${message}`}`;
      if (line !== said) progress.line(line);
      said = line;
    }
  } catch (thrown) {
    if (cli.signal.aborted) print(cli.error, `Stopped waiting for ${what}. ${hint}`);
    else if (signal.aborted) throw fail("timed-out", { what }, { hint });
    throw thrown;
  }
  return {};
}
