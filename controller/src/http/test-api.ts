import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, namespaceKind, systemEnvironment, type Logger } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import type { ObjectStore } from "../store/object-store.ts";
import { startObjectStore } from "../store/start-object-store.ts";
import { TestNatsServer } from "../store/test-nats-server.ts";
import { startApiServer, type ApiServer, type ApiServerOptions } from "./api-server.ts";

export const adminToken = "admin-token-for-tests";
export const readerToken = "reader-token-for-tests";

export interface TestAnswer {
  code: number;
  headers: IncomingMessage["headers"];
  text: string;
  /** The text as JSON, loosely typed: tests look into it with matchers. */
  body: Record<string, unknown>;
}

/** A real API server over a real store in a folder of its own, for tests. */
export class TestApi {
  readonly folder = mkdtempSync(join(tmpdir(), "vfleet-api-"));
  readonly nats = new TestNatsServer();
  #connection: NatsConnection | undefined;
  #store: ObjectStore | undefined;
  #server: ApiServer | undefined;

  static async start(
    options: Pick<ApiServerOptions, "admission" | "guestStreams" | "telemetry"> = {},
  ): Promise<TestApi> {
    const api = new TestApi();
    await api.#start(options);
    return api;
  }

  get store(): ObjectStore {
    if (this.#store === undefined) throw new Error("not started");
    return this.#store;
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  get socket(): string {
    return join(this.folder, "api.sock");
  }

  get ca(): Buffer {
    return readFileSync(join(this.folder, "api.crt"));
  }

  /** A kubeconfig of the admin, as a file. */
  get kubeconfig(): string {
    return join(this.folder, "kubeconfig");
  }

  call(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; token?: string | undefined } = {},
  ): Promise<TestAnswer> {
    const body =
      options.body === undefined || typeof options.body === "string" || Buffer.isBuffer(options.body)
        ? options.body
        : JSON.stringify(options.body);
    const headers = {
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }),
      ...options.headers,
    };
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        { ...this.requestOptions(path, "token" in options ? options.token : adminToken), method },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const isJson = response.headers["content-type"]?.includes("json") === true;
            resolve({
              code: response.statusCode ?? 0,
              headers: response.headers,
              text,
              body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
            }); // objects only
          });
        },
      );
      request.once("error", reject);
      for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
      request.end(body);
    });
  }

  requestOptions(path: string, token: string | undefined): RequestOptions {
    return {
      host: "127.0.0.1",
      port: this.port,
      path,
      ca: this.ca,
      agent: false,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    };
  }

  /** Lines of a watch as they come, until `stop`. */
  watch(
    path: string,
    headers: Record<string, string> = {},
  ): { events: { type: string; object: Record<string, unknown> }[]; ended: Promise<void>; stop: () => void } {
    const events: { type: string; object: Record<string, unknown> }[] = [];
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const options = this.requestOptions(path, adminToken);
    const request = httpsRequest(
      { ...options, headers: { ...(options.headers as Record<string, string>), ...headers } },
      (response) => {
        let rest = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines)
            if (line !== "") events.push(JSON.parse(line) as { type: string; object: Record<string, unknown> }); // what the API sends
        });
        response.once("close", () => resolve());
      },
    );
    request.on("error", () => resolve());
    request.end();
    return { events, ended, stop: () => request.destroy() };
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    await this.#store?.close();
    await this.#connection?.close();
    await this.nats.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(options: Pick<ApiServerOptions, "admission" | "guestStreams" | "telemetry">): Promise<void> {
    const log = createLogger("test", process.env["VFLEET_TEST_LOG"] ?? "silent");
    await this.nats.start();
    this.#connection = await this.nats.connect();
    await this.#makePast(log);
    this.#store = await startObjectStore({
      connection: this.#connection,
      environment: systemEnvironment,
      log,
      replicas: 1,
    });
    const file = (name: string) => join(this.folder, name);
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        file("api.key"),
        "-out",
        file("api.crt"),
      ],
      { stdio: "ignore" },
    );
    const sha256 = (token: string) => createHash("sha256").update(token).digest("hex");
    writeFileSync(
      file("tokens.json"),
      JSON.stringify([
        { name: "admin", groups: ["vfleet:admins"], sha256: sha256(adminToken) },
        { name: "reader", groups: [], sha256: sha256(readerToken) },
      ]),
    );
    const tls = { ca: file("api.crt"), certificate: file("api.crt"), key: file("api.key") };
    const config = {
      listen: { host: "127.0.0.1", port: 0, socket: this.socket },
      tls,
      tokensFile: file("tokens.json"),
    };
    this.#server = await startApiServer({
      environment: systemEnvironment,
      log,
      store: this.#store,
      config,
      ...options,
    });
    writeFileSync(this.kubeconfig, JSON.stringify(this.#kubeconfig()));
  }

  /** Versions from before the server's time: what it must say it no longer knows. */
  async #makePast(log: Logger): Promise<void> {
    if (this.#connection === undefined) return;
    const store = await startObjectStore({
      connection: this.#connection,
      environment: systemEnvironment,
      log,
      replicas: 1,
    });
    await store.create(namespaceKind, { apiVersion: "v1", kind: "Namespace", metadata: { name: "past" } });
    await store.delete(namespaceKind, { name: "past" });
    await store.close();
  }

  #kubeconfig(): object {
    return {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "test",
          cluster: {
            server: `https://127.0.0.1:${this.port}`,
            "certificate-authority-data": this.ca.toString("base64"),
          },
        },
      ],
      users: [
        { name: "admin", user: { token: adminToken } },
        { name: "reader", user: { token: readerToken } },
      ],
      contexts: [
        { name: "admin", context: { cluster: "test", user: "admin" } },
        { name: "reader", context: { cluster: "test", user: "reader" } },
      ],
      "current-context": "admin",
    };
  }
}
