import { request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Checkpoint, TlsFiles } from "@vfleet/shared";
import { checkpointFinalizer, checkpointKind, isNodeReady, nodeKind } from "@vfleet/shared";
import { fail } from "../errors.ts";
import type { ArchiveStreams, ImportRequest, VerifiedCopy } from "../http/archive-streams.ts";
import { livingHolders } from "../reconcile/checkpoint/checkpoint-copies.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { agentTls } from "./agent-tls.ts";
import { endpointOf } from "./assignment.ts";
import type { FleetPresence } from "./presence.ts";

export interface CheckpointArchivesOptions {
  store: ObjectStore;
  presence: FleetPresence;
  tls: TlsFiles;
}

const connectTimeoutMs = 10_000;
const refusalTextMax = 4096;

/** Checkpoints as one file, from and to the agents that keep them. Nothing of them is kept here on the way. */
export class CheckpointArchives implements ArchiveStreams {
  readonly #options: CheckpointArchivesOptions;
  readonly #tlsTo: ReturnType<typeof agentTls>;

  constructor(options: CheckpointArchivesOptions) {
    this.#options = options;
    this.#tlsTo = agentTls(options.tls);
  }

  async export(checkpoint: Checkpoint, signal: AbortSignal): Promise<Readable> {
    const { name, uid = "" } = checkpoint.metadata;
    const refused = (reason: string) => fail("export-refused", { checkpoint: name, reason });
    if (checkpoint.status?.phase !== "Ready")
      throw refused(`it is ${checkpoint.status?.phase ?? "Pending"}, not Ready`);
    const [node] = livingHolders(this.#options, checkpoint);
    if (node === undefined) throw refused("no node that has it is heard of");
    const asked = request(this.#url(node, uid), { agent: this.#tlsTo(node), signal, timeout: connectTimeoutMs });
    asked.end();
    const response = await answerTo(asked, refused);
    if (response.statusCode !== 200) throw refused(await refusalOf(response));
    return response;
  }

  async verify(checkpoint: Checkpoint): Promise<VerifiedCopy[]> {
    const { name, uid = "" } = checkpoint.metadata;
    const failed = (reason: string) => fail("export-refused", { checkpoint: name, reason });
    const look = async (node: string): Promise<VerifiedCopy> => {
      const asked = request(`${this.#url(node, uid)}/verify`, { agent: this.#tlsTo(node), timeout: connectTimeoutMs });
      asked.end();
      const response = await answerTo(asked, failed);
      if (response.statusCode !== 200) return { node, damage: await refusalOf(response) };
      response.resume();
      return { node };
    };
    return Promise.all(livingHolders(this.#options, checkpoint).map(look));
  }

  async import({ namespace, name, server, node: wanted, archive }: ImportRequest): Promise<Checkpoint> {
    const { store } = this.#options;
    const refused = (reason: string) => fail("import-refused", { checkpoint: name, reason });
    const node = wanted ?? this.#place();
    if (node === undefined) throw refused("no node is ready and open");
    const made = await store.create(checkpointKind, {
      ...checkpointKind.schema.parse({
        apiVersion: "vfleet.dev/v1",
        kind: "Checkpoint",
        metadata: { name, namespace, finalizers: [checkpointFinalizer] },
        spec: { server },
      }),
      status: { phase: "Importing", node },
    });
    try {
      await this.#upload(node, made.metadata.uid ?? "", archive, refused);
    } catch (thrown) {
      await store.delete(checkpointKind, made.metadata, { uid: made.metadata.uid });
      throw thrown;
    }
    return made;
  }

  async #upload(node: string, id: string, archive: Readable, refused: (reason: string) => Error): Promise<void> {
    const options: RequestOptions = {
      method: "PUT",
      agent: this.#tlsTo(node),
      timeout: connectTimeoutMs,
      headers: { "content-type": "application/zstd" },
    };
    const asked = request(this.#url(node, id), options);
    const answered = answerTo(asked, refused);
    const cut = () => archive.readableEnded || asked.destroy(new Error("the archive was cut"));
    archive.once("close", cut);
    archive.pipe(asked);
    try {
      const response = await answered;
      if (response.statusCode !== 200) throw refused(await refusalOf(response));
      response.resume();
    } finally {
      // Refused in the middle: who sends it is to read the answer, so nothing is cut off.
      archive.off("close", cut);
      archive.unpipe(asked);
      archive.resume();
      asked.destroy();
    }
  }

  /** Of those that are ready and open, the one with the fewest. */
  #place(): string | undefined {
    const { store, presence } = this.#options;
    const held = (name: string) => presence.report(name)?.checkpoints.length ?? 0;
    const [first] = store
      .list(nodeKind)
      .items.filter((node) => isNodeReady(node) && node.spec.unschedulable !== true)
      .map(({ metadata }) => metadata.name)
      .toSorted((a, b) => held(a) - held(b) || a.localeCompare(b));
    return first;
  }

  #url(node: string, id: string): string {
    const object = this.#options.store.get(nodeKind, { name: node });
    const endpoint = object === undefined ? undefined : endpointOf(object);
    if (endpoint === undefined) throw fail("node-unreachable", { node });
    return `https://${endpoint.host}:${endpoint.port}/checkpoints/${encodeURIComponent(id)}`;
  }
}

function answerTo(asked: ReturnType<typeof request>, refused: (reason: string) => Error): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asked.once("response", (response: IncomingMessage) => {
    // A stream takes as long as it takes.
    response.socket.setTimeout(0);
    resolve(response);
  });
  asked.once("socket", (socket) => socket.once("secureConnect", () => asked.setTimeout(0)));
  asked.on("error", (error) => reject(refused(error.message)));
  asked.once("timeout", () => asked.destroy(new Error("no answer in time")));
  promise.catch(() => {});
  return promise;
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > refusalTextMax) break;
  }
  return text.trim().slice(0, refusalTextMax) || `the agent answered ${response.statusCode ?? "nothing"}`;
}
