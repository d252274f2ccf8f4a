// Runs in a host: tries with a node's identity what it may and may not do on NATS, and prints what happened.
import { readFileSync } from "node:fs";
import { connect, nkeyAuthenticator } from "nats";
import { nodeInboxPrefix, subjects } from "@vfleet/shared";

const [pki = "", node = ""] = process.argv.slice(2);

/** A node that isn't there, so that nobody else speaks on its subjects. */
const stranger = "host-99";

const asNode = await open(node, nodeInboxPrefix(node));
const controller = await open("controller", "_INBOX");

asNode.subscribe(subjects.command(node), { callback: (_, message) => message.respond("done") });
await asNode.flush();

const results = {
  ownReport: await outcome(async () => heard(subjects.report(node))),
  otherReport: await outcome(async () => heard(subjects.report(stranger))),
  jetStream: await outcome(async () => asNode.request("$JS.API.INFO", "", { timeout: 500 })),
  everything: await outcome(async () => heardBy(asNode, subjects.command(stranger))),
  commandReply: await outcome(async () => controller.request(subjects.command(node), "", { timeout: 2000 })),
};
process.stdout.write(JSON.stringify(results));
await Promise.all([asNode.close(), controller.close()]);

function open(part: string, inboxPrefix: string) {
  const file = (suffix: string) => `${pki}/${part}.${suffix}`;
  const authenticator = nkeyAuthenticator(new TextEncoder().encode(readFileSync(file("nkey"), "utf8").trim()));
  const tls = { caFile: `${pki}/ca.pem`, certFile: file("pem"), keyFile: file("key") };
  return connect({ servers: ["tls://10.99.0.2:4222"], authenticator, tls, inboxPrefix });
}

/** Whether the controller hears what the node says on a subject. */
async function heard(subject: string): Promise<void> {
  const subscription = controller.subscribe(subject, { max: 1, timeout: 500 });
  await controller.flush();
  asNode.publish(subject, "");
  for await (const _ of subscription) return;
}

/** Whether a connection hears what the controller says on a subject. */
async function heardBy(listener: typeof asNode, subject: string): Promise<void> {
  const subscription = listener.subscribe(subject, { max: 1, timeout: 500 });
  await listener.flush();
  controller.publish(subject, "");
  for await (const _ of subscription) return;
}

async function outcome(attempt: () => Promise<unknown>): Promise<"ok" | "refused"> {
  try {
    await attempt();
    return "ok";
  } catch {
    return "refused";
  }
}
