import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";
import { type Environment, messageOf, VfleetError } from "@vfleet/shared";
import { z } from "zod";
import { fail } from "../fail.ts";
import { StatusError, statusSchema } from "./status-error.ts";

export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface ApiRequest {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Query;
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
}

export interface UploadRequest extends Pick<ApiRequest, "path" | "query" | "signal"> {
  content: Readable;
  contentType: string;
  contentLength: number;
}

const watchEventSchema = z.looseObject({ type: z.string(), object: z.unknown() });
export type WatchEvent = z.infer<typeof watchEventSchema>;

/** What to do while nobody answers, as when another controller takes over. */
export interface ClientPatience {
  forMs: number;
  environment: Environment;
  /** Called once per request. */
  onWait: (server: string) => void;
}

const retryMs = 200;
/** What the system says where nobody listens just now, or did until a moment ago. */
const passingCodes: readonly string[] = ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH"];
const connectTimeoutMs = 10_000;
/** A server that takes longer to begin an answer that is not a stream counts as gone. */
const answerTimeoutMs = 60_000;
const keepAliveMs = 15_000;

/** HTTP to one API server with the credentials of a kubeconfig: JSON in, JSON or a stream out, errors as `StatusError`. */
export class ApiClient {
  readonly config: KubeConfig;
  /** `https://host:port` */
  readonly server: string;
  /** Of the current context. */
  readonly namespace: string;
  readonly #patience: ClientPatience | undefined;
  /** Of errors that came before anything of the request was sent. */
  readonly #unsent = new WeakSet<VfleetError>();

  constructor(config: KubeConfig, namespace?: string, patience?: ClientPatience) {
    this.#patience = patience;
    this.config = config;
    const cluster = config.getCurrentCluster();
    // As kubectl: without any configuration the server is the local one, which refuses with a clear message.
    this.server = cluster?.server ?? "https://localhost:6443";
    this.namespace = namespace ?? (config.getContextObject(config.getCurrentContext())?.namespace || "default");
  }

  /** The answer's JSON. */
  async json(request: ApiRequest): Promise<unknown> {
    const response = await this.#send(request, answerTimeoutMs);
    const body = await this.#body(response);
    try {
      return JSON.parse(body) as unknown;
    } catch (thrown) {
      throw fail("answer-unreadable", { path: request.path, reason: messageOf(thrown) }, { cause: thrown });
    }
  }

  /** The answer's bytes as they come. */
  async stream(request: ApiRequest): Promise<IncomingMessage> {
    return this.#send(request, undefined);
  }

  /** Sends bytes as they come, and resolves with the answer, which may come before they are all sent: where they are refused. */
  async upload(request: UploadRequest): Promise<IncomingMessage> {
    return this.#send({ method: "PUT", ...request }, undefined, request);
  }

  /** The events of one watch connection; ends when the server or `signal` ends it. A failed watch throws. */
  async *watch(request: ApiRequest): AsyncGenerator<WatchEvent> {
    const response = await this.#send({ ...request, query: { ...request.query, watch: true } }, undefined);
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
        if (line === "") continue; // a heartbeat
        const event = this.#event(line, request.path);
        if (event.type === "ERROR") throw statusErrorOf(event.object, 0);
        if (event.type !== "BOOKMARK") yield event;
      }
    } catch (thrown) {
      if (thrown instanceof VfleetError) throw thrown;
      throw fail("connection-lost", { server: this.server, reason: messageOf(thrown) }, { cause: thrown });
    } finally {
      response.destroy();
    }
  }

  #event(line: string, path: string): WatchEvent {
    try {
      return watchEventSchema.parse(JSON.parse(line));
    } catch (thrown) {
      throw fail("answer-unreadable", { path, reason: messageOf(thrown) }, { cause: thrown });
    }
  }

  async #send(request: ApiRequest, timeoutMs: number | undefined, upload?: UploadRequest): Promise<IncomingMessage> {
    const url = new URL(this.server + request.path + queryText(request.query));
    const options: RequestOptions = {
      method: request.method ?? "GET",
      headers: { accept: request.accept ?? "application/json", "user-agent": "vctl" },
    };
    if (this.config.getCurrentCluster() !== null) await this.config.applyToHTTPSOptions(options);
    if (request.signal !== undefined) options.signal = request.signal;
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const headers: Record<string, string | number> = { ...(options.headers as Record<string, string>) }; // set above, as an object
    if (body !== undefined) {
      headers["content-type"] = request.contentType ?? "application/json";
      headers["content-length"] = body.length;
    }
    if (upload !== undefined) {
      headers["content-type"] = upload.contentType;
      headers["content-length"] = upload.contentLength;
    }
    const attempt = () => this.#exchange(url, { ...options, headers }, { body: upload?.content ?? body, timeoutMs });
    // What is read as it is sent can't be sent twice.
    const response = await (upload === undefined ? this.#persist(request, attempt) : attempt());
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw await this.#errorOf(response, status);
  }

  /** Again where nobody answers: whatever was not sent, and what only reads. */
  async #persist<T>({ method = "GET", signal }: ApiRequest, attempt: () => Promise<T>): Promise<T> {
    let deadlineMs: number | undefined;
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        const patience = this.#patience;
        const mayRepeat =
          thrown instanceof VfleetError && (method === "GET" || this.#unsent.has(thrown)) && isNobody(thrown);
        if (patience === undefined || !mayRepeat || signal?.aborted === true) throw thrown;
        const nowMs = patience.environment.monotonicMs();
        if (deadlineMs === undefined) {
          deadlineMs = nowMs + patience.forMs;
          if (nowMs < deadlineMs) patience.onWait(new URL(this.server).host);
        }
        if (nowMs >= deadlineMs) throw thrown;
        await patience.environment.sleep(retryMs, signal);
      }
    }
  }

  #exchange(
    url: URL,
    options: RequestOptions,
    { body, timeoutMs }: { body: Buffer | Readable | undefined; timeoutMs: number | undefined },
  ): Promise<IncomingMessage> {
    const send = url.protocol === "http:" ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      let isConnected = false;
      const outgoing = send(url, { ...options, timeout: connectTimeoutMs }, resolve);
      outgoing.on("socket", (socket) => {
        socket.setKeepAlive(true, keepAliveMs);
        const connected = () => {
          isConnected = true;
          outgoing.setTimeout(timeoutMs ?? 0);
        };
        if (socket.connecting) socket.once(url.protocol === "http:" ? "connect" : "secureConnect", connected);
        else connected();
      });
      outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
      outgoing.on("error", (error) => {
        const failure = this.#connectionError(error);
        if (!isConnected) this.#unsent.add(failure);
        reject(failure);
      });
      if (body instanceof Readable) {
        body.once("error", (error) => outgoing.destroy(error));
        body.pipe(outgoing);
      } else outgoing.end(body);
    });
  }

  async #body(response: IncomingMessage): Promise<string> {
    try {
      return await readText(response);
    } catch (thrown) {
      throw fail("connection-lost", { server: this.server, reason: messageOf(thrown) }, { cause: thrown });
    }
  }

  async #errorOf(response: IncomingMessage, httpStatus: number): Promise<StatusError> {
    const body = await this.#body(response);
    try {
      return statusErrorOf(JSON.parse(body), httpStatus);
    } catch {
      // Not the API itself but something before it, such as a proxy.
      return new StatusError(
        { kind: "Status", message: body.trim().slice(0, 300) || `the server answered ${httpStatus}` },
        httpStatus,
      );
    }
  }

  #connectionError(error: Error & { code?: string; errors?: readonly Error[] }): VfleetError {
    const { host } = new URL(this.server);
    const hint = `Choose a fleet with KUBECONFIG=FILE, --kubeconfig FILE or --context NAME ("vctl config get-contexts" lists them)`;
    if (error.code === "ECONNREFUSED" || error.code === "ENOENT")
      return fail("server-refused", { server: host }, { hint, cause: error });
    const reason =
      error.message === ""
        ? (error.errors?.map(messageOf).join("; ") ?? error.code ?? "unknown reason")
        : error.message;
    return fail("server-unreachable", { server: host, reason }, { hint, cause: error });
  }
}

function isNobody({ cause }: VfleetError): boolean {
  return (
    cause instanceof Error && "code" in cause && typeof cause.code === "string" && passingCodes.includes(cause.code)
  );
}

/** Whether asking again later may help: the way to the server is broken, or the server says it can't just now. */
export function isPassing(thrown: unknown): boolean {
  if (thrown instanceof StatusError)
    return thrown.httpStatus >= 500 || thrown.httpStatus === 429 || thrown.code === "Expired" || thrown.code === "Gone";
  return (
    thrown instanceof VfleetError && ["server-refused", "server-unreachable", "connection-lost"].includes(thrown.code)
  );
}

function statusErrorOf(body: unknown, httpStatus: number): StatusError {
  const status = statusSchema.parse(body);
  return new StatusError(status, httpStatus === 0 ? (status.code ?? 500) : httpStatus);
}

/** `?a=b&a=c`; empty where nothing is set. Lists repeat the name. */
export function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === "") continue;
    if (typeof value === "object") for (const one of value) parameters.append(name, one);
    else parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}
