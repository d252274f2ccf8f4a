import { checkpointKind, restoreKind, virtualServerKind } from "@vfleet/shared";
import type { Command } from "commander";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { createObject, deleteObject, getObject } from "../api/objects.ts";
import { isNotFound } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { pathOf } from "../resource/resource-type.ts";
import { followPhases } from "./checkpoint-follow.ts";
import { deadlineSignal } from "./deadline.ts";
import { waitGone } from "./wait-gone.ts";

interface Options {
  digestsOnly?: boolean;
  timeout: number;
}

/** Long enough for a program that can't go on to show it. */
const lookMs = 2000;
/** Of the scratch server. */
const goneLimitMs = 60_000;
const copiesSchema = z.object({ copies: z.array(z.object({ node: z.string(), damage: z.string().optional() })) });
const serverSchema = z.looseObject({
  status: z
    .looseObject({
      phase: z.string().default("Pending"),
      nodeName: z.string().default(""),
      restarts: z.number().default(0),
    })
    .prefault({}),
});

export function configureVerify(command: Command, cli: Cli, nameOf: (word: string) => string): void {
  command
    .argument("<checkpoint>")
    .option("--digests-only", "only look at every byte, where it is")
    .option("--timeout <duration>", "how long to wait; 0: for ever", parseDurationMs, 600_000)
    .action(async (word: string, options: Options) => {
      const name = nameOf(word);
      const client = await connect(cli, command);
      await digests(cli, client, name);
      if (options.digestsOnly !== true) await restoreOnce(cli, client, name, options.timeout);
    });
}

async function digests(cli: Cli, client: ApiClient, name: string): Promise<void> {
  const archive = pathOf(checkpointKind, { namespace: client.namespace, name, subresource: "archive" });
  const { copies } = copiesSchema.parse(await client.json({ path: `${archive}/digests` }));
  const damaged = copies.filter(({ damage }) => damage !== undefined);
  for (const { node, damage } of copies)
    print(cli.output, `${checkpointKind.singular}/${name} on ${node}: ${damage ?? "every digest is right"}`);
  const [first] = damaged;
  if (first !== undefined) throw fail("checkpoint-damaged", { name, damage: `on ${first.node}: ${first.damage}` });
  if (copies.length === 0) throw fail("checkpoint-damaged", { name, damage: "no host that has it is heard of" });
}

/** In a server of its own that never joins the network, and goes again whatever comes of it. */
async function restoreOnce(cli: Cli, client: ApiClient, name: string, timeoutMs: number): Promise<void> {
  const { namespace } = client;
  const server = `verify-${cli.environment.id().slice(0, 8)}`;
  const manifest = {
    apiVersion: "vfleet.dev/v1",
    kind: "Restore",
    metadata: { name: server, namespace },
    spec: { checkpoint: name, target: { server, isolated: true } },
  };
  await createObject(client, restoreKind, { namespace, object: manifest });
  try {
    await followPhases(cli, client, { type: restoreKind, name: server, timeoutMs });
    await cli.environment.sleep(lookMs);
    const { status } = serverSchema.parse(await getObject(client, virtualServerKind, { name: server, namespace }));
    const { phase, restarts, nodeName } = status;
    if (phase !== "Running" || restarts > 0)
      throw fail("checkpoint-damaged", {
        name,
        damage: `its server is ${phase} on ${nodeName} after ${restarts} restarts`,
      });
    print(cli.output, `${checkpointKind.singular}/${name} was restored on ${nodeName}, and its programs run`);
  } finally {
    for (const type of [virtualServerKind, restoreKind])
      await deleteObject(client, type, { name: server, namespace }).catch((thrown: unknown) => {
        if (!isNotFound(thrown)) throw thrown;
      });
    const signal = deadlineSignal(cli, goneLimitMs);
    await waitGone(cli, client, { type: virtualServerKind, namespace, name: server }, signal);
  }
}
