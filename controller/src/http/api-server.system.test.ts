import { request as httpsRequest } from "node:https";
import { connect as tlsConnect } from "node:tls";
import { PassThrough } from "node:stream";
import { VfleetError, nodeKind, virtualServerKind, type Node, type VirtualServer } from "@vfleet/shared";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Admission } from "./admission.ts";
import type { GuestStreams } from "./guest-streams.ts";
import { adminToken, readerToken, TestApi } from "./test-api.ts";

const servers = "/apis/vfleet.dev/v1/namespaces/default/virtualservers";
const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const node: Node = { apiVersion: "v1", kind: "Node", metadata: { name: "host-1" }, spec: {} };

const refuseForbiddenImage: Admission = ({ object, operation, kind }) => {
  const image = (object.spec as { image?: string } | undefined)?.image;
  if (operation === "create" && kind.kind === "VirtualServer" && image === "forbidden")
    throw new VfleetError("image-refused", 'Cannot use image "forbidden"', { hint: "Use another" });
  return object;
};

/** Answers each frame with itself on the standard output channel; says lines and ends. */
const echoStreams: GuestStreams = {
  exec: ({ parameters }, socket) => {
    if (parameters.get("command") === "fail") return Promise.reject(new VfleetError("unavailable", "the node is gone"));
    return new Promise((resolve) => {
      socket.on("message", (data: Buffer) => {
        socket.send(Buffer.concat([Buffer.from([1]), data.subarray(1)]));
        socket.close(1000);
      });
      socket.on("close", () => resolve());
      socket.resume();
    });
  },
  logs: ({ parameters }) => {
    const stream = new PassThrough();
    stream.end(`tail ${parameters.get("tailLines") ?? "all"}\n`);
    return Promise.resolve(stream);
  },
};

function server(name: string, rest: { labels?: Record<string, string>; spec?: object } = {}): object {
  return {
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: { name, labels: rest.labels ?? {} },
    spec: { image: "debian-12", ...rest.spec },
  };
}

let api: TestApi;
const create = (name: string, rest: { labels?: Record<string, string>; spec?: object } = {}) =>
  api.call("POST", servers, { body: server(name, rest) });

beforeAll(async () => {
  const sample = { atMs: 1_700_000_000_000, windowMs: 10_000, milliCpu: 250, memoryBytes: 1024 ** 3 };
  const telemetry = {
    nodes: () => Promise.resolve(new Map([["host-1", sample]])),
    servers: () => Promise.reject(new Error("redis is down")),
  };
  api = await TestApi.start({ admission: [refuseForbiddenImage], guestStreams: echoStreams, telemetry });
  await api.store.create(nodeKind, node);
});

afterAll(() => api.stop());

describe("who asks", () => {
  test.each([
    ["nobody", { token: undefined, method: "GET", path: servers }, 401],
    ["nobody, for health", { token: undefined, method: "GET", path: "/readyz" }, 200],
    ["nobody, for the version", { token: undefined, method: "GET", path: "/version" }, 200],
    ["a wrong token", { token: "wrong", method: "GET", path: "/version" }, 401],
    ["a reader reading", { token: readerToken, method: "GET", path: servers }, 200],
    ["a reader writing", { token: readerToken, method: "DELETE", path: `${servers}/any` }, 403],
    ["an admin", { token: adminToken, method: "GET", path: servers }, 200],
  ])("%s is answered rightly", async (_who, { method, path, token }, code) => {
    expect((await api.call(method, path, { token })).code).toBe(code);
  });

  test("a page of another origin is refused, whatever its browser's credentials", async () => {
    expect(
      await api.call("POST", servers, { body: server("x"), headers: { origin: "https://evil.example" } }),
    ).toMatchObject({ code: 403 });
  });

  test("access reviews agree", async () => {
    const body = { spec: { resourceAttributes: { verb: "create", group: "vfleet.dev", resource: "virtualservers" } } };
    const review = (token: string) =>
      api.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", { body, token });
    expect((await review(adminToken)).body).toMatchObject({ status: { allowed: true } });
    expect((await review(readerToken)).body).toMatchObject({ status: { allowed: false } });
  });
});

describe("writes", () => {
  test("a made object has defaults, a version and no status of the client's", async () => {
    const answer = await api.call("POST", servers, { body: { ...server("made"), status: { phase: "Running" } } });
    expect(answer).toMatchObject({
      code: 201,
      body: {
        metadata: { namespace: "default", generation: 1, uid: expect.any(String) },
        spec: { runStrategy: "Running" },
      },
    });
    expect(answer.body).not.toHaveProperty("status");
  });

  test("unknown fields are warned of by default, and refused where asked", async () => {
    const warned = await create("warned", { spec: { bogus: 1 } });
    expect([warned.code, warned.headers["warning"]]).toEqual([201, '299 - "unknown field \\"spec.bogus\\""']);
    const refused = await api.call("POST", `${servers}?fieldValidation=Strict`, {
      body: server("strict", { spec: { bogus: 1 } }),
    });
    expect(refused).toMatchObject({
      code: 400,
      body: { message: 'strict decoding error: unknown field "spec.bogus"' },
    });
  });

  test("a version is compared, in whole updates and in patches", async () => {
    const { body } = await create("versioned");
    const put = (object: object) => api.call("PUT", `${servers}/versioned`, { body: object });
    expect((await put({ ...body, spec: { ...(body["spec"] as object), runStrategy: "Stopped" } })).body).toMatchObject({
      metadata: { generation: 2 },
    });
    expect(await put(body)).toMatchObject({
      code: 409,
      body: { reason: "Conflict", details: { name: "versioned", kind: "virtualservers" } },
    });
    const { resourceVersion } = body["metadata"] as { resourceVersion: string };
    const stale = await api.call("PATCH", `${servers}/versioned`, {
      body: { metadata: { resourceVersion, labels: { a: "b" } } },
      headers: { "content-type": "application/merge-patch+json" },
    });
    expect(stale.code).toBe(409);
  });

  test("concurrent patches all arrive", async () => {
    await create("patched");
    const patch = (index: number) =>
      api.call("PATCH", `${servers}/patched`, {
        body: { metadata: { annotations: { [`n${index}`]: "x" } } },
        headers: { "content-type": "application/merge-patch+json" },
      });
    const answers = await Promise.all([0, 1, 2, 3, 4].map(patch));
    expect(answers.map((answer) => answer.code)).toEqual([200, 200, 200, 200, 200]);
    expect(
      Object.keys(
        api.store.read(virtualServerKind, { namespace: "default", name: "patched" }).metadata.annotations ?? {},
      ),
    ).toHaveLength(5);
  });

  test("status is written by its own path, and by no other", async () => {
    await create("stated");
    const merge = { "content-type": "application/merge-patch+json" };
    await api.call("PATCH", `${servers}/stated`, { body: { status: { phase: "Failed" } }, headers: merge });
    expect(api.store.read(virtualServerKind, { namespace: "default", name: "stated" }).status).toBeUndefined();
    const answer = await api.call("PATCH", `${servers}/stated/status`, {
      body: { spec: { runStrategy: "Stopped" }, status: { phase: "Running" } },
      headers: merge,
    });
    expect(answer.body).toMatchObject({ spec: { runStrategy: "Running" }, status: { phase: "Running" } });
  });

  test("a dry run says what would be and does nothing", async () => {
    expect((await api.call("POST", `${servers}?dryRun=All`, { body: server("dry") })).code).toBe(201);
    expect((await api.call("GET", `${servers}/dry`)).code).toBe(404);
    await create("kept");
    expect(
      (
        await api.call("DELETE", `${servers}/kept`, {
          body: { kind: "DeleteOptions", apiVersion: "v1", dryRun: ["All"] },
        })
      ).code,
    ).toBe(200);
    expect((await api.call("GET", `${servers}/kept`)).code).toBe(200);
    expect((await api.call("DELETE", `${servers}/kept?dryRun=Some`)).code).toBe(400);
  });

  test("names are generated", async () => {
    const answer = await api.call("POST", servers, { body: { ...server("x"), metadata: { generateName: "job-" } } });
    expect(answer.body).toMatchObject({ metadata: { name: expect.stringMatching(/^job-[a-z0-9]{5}$/) } });
  });

  test("a deletion honours its preconditions, and a collection its selector", async () => {
    await create("going", { labels: { group: "going" } });
    await create("going-too", { labels: { group: "going" } });
    const refused = await api.call("DELETE", `${servers}/going`, { body: { preconditions: { uid: "another" } } });
    expect(refused.code).toBe(409);
    expect((await api.call("DELETE", `${servers}?labelSelector=group%3Dgoing`)).body).toMatchObject({
      items: [{ metadata: { name: "going" } }, { metadata: { name: "going-too" } }],
    });
    expect((await api.call("GET", `${servers}?labelSelector=group%3Dgoing`)).body).toMatchObject({ items: [] });
  });

  test("admission refuses with its reason and hint", async () => {
    const answer = await create("refused", { spec: { image: "forbidden" } });
    expect(answer).toMatchObject({
      code: 422,
      body: { details: { causes: [{ message: 'Cannot use image "forbidden"; use another' }] } },
    });
  });

  test.each([
    [
      "a missing namespace",
      { method: "POST", path: servers.replace("default", "nowhere"), body: server("x"), headers: {} },
      404,
    ],
    ["a method that is not there", { method: "POST", path: "/api/v1/nodes", body: node, headers: {} }, 405],
    [
      "a path that is not there",
      { method: "GET", path: "/apis/example.org/v1/widgets", body: undefined, headers: {} },
      404,
    ],
    [
      "YAML",
      { method: "POST", path: servers, body: "kind: VirtualServer", headers: { "content-type": "application/yaml" } },
      415,
    ],
    ["no JSON", { method: "POST", path: servers, body: "{", headers: {} }, 400],
    ["a large body", { method: "POST", path: servers, body: Buffer.alloc(4 * 1024 * 1024, " "), headers: {} }, 413],
    [
      "an object that no record can hold",
      {
        method: "POST",
        path: servers,
        body: {
          ...server("fat"),
          metadata: {
            name: "fat",
            annotations: Object.fromEntries(
              Array.from({ length: 8 }, (_, index) => [`a${index}`, "x".repeat(200_000)]),
            ),
          },
        },
        headers: {},
      },
      413,
    ],
    ["a bad selector", { method: "GET", path: `${servers}?labelSelector=a%20b`, body: undefined, headers: {} }, 400],
    ["a bad page", { method: "GET", path: `${servers}?continue=zzz`, body: undefined, headers: {} }, 400],
    ["CBOR", { method: "GET", path: servers, body: undefined, headers: { accept: "application/cbor" } }, 406],
    ["NUL in a name", { method: "GET", path: `${servers}/a%00b`, body: undefined, headers: {} }, 404],
    ["half an escape", { method: "GET", path: `${servers}/%zz`, body: undefined, headers: {} }, 400],
  ])("%s is answered with a Status", async (_what, { method, path, ...rest }, code) => {
    const answer = await api.call(method, path, rest);
    expect(answer).toMatchObject({ code, body: { kind: "Status", status: "Failure", code } });
  });
});

describe("watches", () => {
  const bookmark = {
    type: "BOOKMARK",
    object: expect.objectContaining({
      metadata: expect.objectContaining({ annotations: { "k8s.io/initial-events-end": "true" } }),
    }),
  };

  test("tell what enters and leaves a selection", async () => {
    const { body } = await api.call("GET", servers);
    const { resourceVersion } = body["metadata"] as { resourceVersion: string };
    const watch = api.watch(`${servers}?watch=true&resourceVersion=${resourceVersion}&labelSelector=seen%3Dyes`);
    await create("seen", { labels: { seen: "yes" } });
    const label = (value: string | null) =>
      api.call("PATCH", `${servers}/seen`, {
        body: { metadata: { labels: { seen: value } } },
        headers: { "content-type": "application/merge-patch+json" },
      });
    await label("no");
    await label("yes");
    await api.call("DELETE", `${servers}/seen`);
    await expect.poll(() => watch.events.map((event) => event.type)).toEqual(["ADDED", "DELETED", "ADDED", "DELETED"]);
    watch.stop();
  });

  test("begin with the present state where asked, marked by a bookmark", async () => {
    const parameters = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const plain = api.watch(`/api/v1/nodes?${parameters}`);
    await expect.poll(() => plain.events).toEqual([expect.objectContaining({ type: "ADDED" }), bookmark]);
    plain.stop();
    const table = api.watch(`/api/v1/nodes?${parameters}&fieldSelector=metadata.name%3Dhost-1`, {
      accept: tableAccept,
    });
    await expect
      .poll(() => table.events.map((event) => [event.type, event.object["kind"]]))
      .toEqual([
        ["ADDED", "Table"],
        ["BOOKMARK", "Table"],
      ]);
    table.stop();
  });

  test("of an unknown past end with 410 inside the stream", async () => {
    const watch = api.watch(`${servers}?watch=true&resourceVersion=1`);
    await watch.ended;
    expect(watch.events).toMatchObject([{ type: "ERROR", object: { code: 410, reason: "Expired" } }]);
  });

  test("end after their time, and are let go with their client", async () => {
    const short = api.watch(`${servers}?watch=true&timeoutSeconds=1`);
    await short.ended;
    const metrics = async () => (await api.call("GET", "/metrics")).text;
    const open = api.watch(`${servers}?watch=true`);
    await expect.poll(metrics).toContain("vfleet_api_watches 1");
    open.stop();
    await expect.poll(metrics).toContain("vfleet_api_watches 0");
  });
});

describe("namespaces", () => {
  test("take their content with them, and take nothing new meanwhile", async () => {
    await api.call("POST", "/api/v1/namespaces", { body: { metadata: { name: "team" } } });
    const inTeam = servers.replace("default", "team");
    const held = { ...server("held"), metadata: { name: "held", finalizers: ["vfleet.dev/test"] } };
    await api.call("POST", inTeam, { body: held });
    await api.call("POST", inTeam, { body: server("free") });
    const leaving = await api.call("DELETE", "/api/v1/namespaces/team");
    expect(leaving.body).toMatchObject({ kind: "Namespace", metadata: { deletionTimestamp: expect.any(String) } });
    await expect.poll(async () => (await api.call("GET", `${inTeam}/free`)).code).toBe(404);
    expect(await api.call("POST", inTeam, { body: server("late") })).toMatchObject({
      code: 403,
      body: { details: { causes: [{ reason: "NamespaceTerminating" }] } },
    });
    expect((await api.call("GET", "/api/v1/namespaces/team")).body).toMatchObject({ status: { phase: "Terminating" } });
    await api.store.mutate(
      virtualServerKind,
      { namespace: "team", name: "held" },
      (draft) => void (draft.metadata.finalizers = []),
    );
    await expect.poll(async () => (await api.call("GET", "/api/v1/namespaces/team")).code).toBe(404);
  });
});

describe("usage", () => {
  test("of nodes has Kubernetes' shape", async () => {
    const { body } = await api.call("GET", "/apis/metrics.k8s.io/v1beta1/nodes");
    expect(body).toMatchObject({
      kind: "NodeMetricsList",
      items: [{ metadata: { name: "host-1" }, window: "10.0s", usage: { cpu: "250m", memory: "1048576Ki" } }],
    });
  });

  test("is unavailable while telemetry is", async () => {
    expect(await api.call("GET", "/apis/metrics.vfleet.dev/v1/namespaces/default/virtualservers")).toMatchObject({
      code: 503,
      body: { reason: "ServiceUnavailable" },
    });
  });
});

describe("streams to a server", () => {
  const exec = (name: string, command: string, token = adminToken) =>
    new WebSocket(
      `wss://127.0.0.1:${api.port}${servers}/${name}/exec?command=${command}&stdin=true&stdout=true`,
      ["v5.channel.k8s.io", "v4.channel.k8s.io"],
      { ca: api.ca, headers: { authorization: `Bearer ${token}` } },
    );
  const refusal = (socket: WebSocket) =>
    new Promise<number | undefined>((resolve) =>
      socket.once("unexpected-response", (_request, response) => resolve(response.statusCode)).on("error", () => {}),
    );

  beforeAll(async () => {
    await create("talking");
    await create("silent");
    const running: NonNullable<VirtualServer["status"]> = { phase: "Running", nodeName: "host-1" };
    await api.store.mutate(
      virtualServerKind,
      { namespace: "default", name: "talking" },
      (draft) => void (draft.status = running),
    );
  });

  test("pass frames both ways under the newest protocol", async () => {
    const socket = exec("talking", "cat");
    const echoed = new Promise<Buffer>((resolve) => socket.once("message", (data: Buffer) => resolve(data)));
    socket.once("open", () => socket.send(Buffer.from("\0hello")));
    expect((await echoed).toString()).toBe("\u0001hello");
    expect(socket.protocol).toBe("v5.channel.k8s.io");
  });

  test("tell a failure on the error channel", async () => {
    const socket = exec("talking", "fail");
    const frame = await new Promise<Buffer>((resolve) => socket.once("message", (data: Buffer) => resolve(data)));
    expect([frame[0], JSON.parse(frame.subarray(1).toString())]).toEqual([
      3,
      expect.objectContaining({ status: "Failure", message: "the node is gone" }),
    ]);
  });

  test("are refused before the upgrade where nothing can answer", async () => {
    expect(await refusal(exec("silent", "sh"))).toBe(409);
    expect(await refusal(exec("missing", "sh"))).toBe(404);
    expect(await refusal(exec("talking", "sh", readerToken))).toBe(403);
    expect(await refusal(exec("talking", "sh", "wrong"))).toBe(401);
  });

  test("bring logs as text", async () => {
    const answer = await api.call("GET", `${servers}/talking/log?tailLines=5`);
    expect([answer.code, answer.text, answer.headers["content-type"]]).toEqual([
      200,
      "tail 5\n",
      "text/plain; charset=utf-8",
    ]);
    expect((await api.call("GET", `${servers}/silent/log`)).code).toBe(409);
  });
});

test("the same API is on the Unix socket", async () => {
  const code = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpsRequest(
      {
        path: "/api/v1/nodes",
        headers: { authorization: `Bearer ${adminToken}` },
        createConnection: () =>
          tlsConnect({ path: api.socket, ca: api.ca, servername: "", checkServerIdentity: () => undefined }),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.once("error", reject);
    request.end();
  });
  expect(code).toBe(200);
});
