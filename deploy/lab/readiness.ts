import { z } from "zod";
import { controlNames, nodeNames, type LabShape } from "./address.ts";
import { getJson } from "./api-client.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { LabError } from "./lab-error.ts";
import { nodeProgram } from "./node-program.ts";
import { waitUntil } from "./wait-until.ts";

const nodeListSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z
        .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
        .prefault({}),
    }),
  ),
});

/** Names of the nodes that the API says are Ready; undefined where it doesn't answer. */
export async function readyNodes(lab: LabLayout): Promise<readonly string[] | undefined> {
  const answer = nodeListSchema.safeParse(await getJson(lab, "/api/v1/nodes"));
  if (!answer.success) return undefined;
  const isReady = ({ status }: { status: { conditions: readonly { type: string; status: string }[] } }) =>
    status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
  return answer.data.items.filter(isReady).map(({ metadata }) => metadata.name);
}

/** Waits until the API answers and every node is Ready. */
export async function waitForReady(lab: LabLayout, { hosts, controllers }: LabShape, timeoutMs: number): Promise<void> {
  if (nodeProgram("controller") === undefined || nodeProgram("node-agent") === undefined) return;
  const [control = "control"] = controlNames(controllers);
  let ready: readonly string[] | undefined;
  const missing = () => nodeNames(hosts).filter((node) => !ready?.includes(node));
  const isReady = await waitUntil(async () => {
    ready = await readyNodes(lab);
    return ready !== undefined && missing().length === 0;
  }, timeoutMs);
  if (isReady) return;
  if (ready === undefined) throw notReady("the API does not answer", hostLayout(lab, control).logsFolder);
  throw notReady(
    `${missing().join(", ")} did not become Ready in ${Math.round(timeoutMs / 1000)} s`,
    hostLayout(lab, missing()[0] ?? control).logsFolder,
  );
}

function notReady(reason: string, logsFolder: string): LabError {
  return new LabError("not-ready", reason, `The reason is in ${logsFolder}`);
}
