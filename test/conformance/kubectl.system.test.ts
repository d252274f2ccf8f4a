import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { TestApi } from "@vfleet/controller/test-api";
import { nodeKind, virtualServerKind, withCondition, type Node } from "@vfleet/shared";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What Debian 13 and sid carry. */
const versions = ["1.32", "1.36"];
const timeoutMs = 30_000;
const now = "2026-01-01T00:00:00Z";

const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "host-1", labels: { rack: "a" } },
  spec: {},
  status: {
    capacity: { cpu: "2", memory: "4Gi", pods: "100" },
    allocatable: { cpu: "2", memory: "4Gi", pods: "100" },
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "Reporting",
        message: "the agent reports",
        lastTransitionTime: now,
        lastHeartbeatTime: now,
      },
    ],
    addresses: [{ type: "InternalIP", address: "192.0.2.1" }],
  },
};

function manifest(name: string, spec: object = {}): string {
  return JSON.stringify({
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: { name, labels: { app: name } },
    spec: { image: "debian-12", ...spec },
  });
}

interface Outcome {
  code: number;
  output: string;
  errors: string;
}

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.start({
    telemetry: {
      nodes: () =>
        Promise.resolve(
          new Map([["host-1", { atMs: Date.parse(now), windowMs: 10_000, milliCpu: 250, memoryBytes: 2 ** 30 }]]),
        ),
      servers: () => Promise.resolve(new Map()),
    },
  });
  await api.store.create(nodeKind, node);
});

afterAll(() => api.stop());

describe.each(versions)("kubectl %s", (version) => {
  const program = `/opt/vfleet/bin/kubectl-${version}`;
  const namespace = `team-${version.replace(".", "-")}`;
  // A folder for discovery of its own: another server's answers may not be found in it.
  const fixed = () => ["--kubeconfig", api.kubeconfig, "--cache-dir", join(api.folder, `cache-${version}`)];

  function kubectl(args: readonly string[], input?: string): Promise<Outcome> {
    return new Promise((resolve) => {
      const child = execFile(program, [...fixed(), ...args], { timeout: timeoutMs }, (error, output, errors) =>
        resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1, output, errors }),
      );
      child.stdin?.end(input ?? "");
    });
  }
  const inNamespace = (...args: string[]) => kubectl(["-n", namespace, ...args]);
  const apply = (text: string, ...args: string[]) => kubectl(["-n", namespace, "apply", "-f", "-", ...args], text);

  /** Output of a command that goes on by itself, until `stop`. */
  function follow(...args: string[]): { output: () => string; stop: () => void } {
    const child = spawn(program, [...fixed(), "-n", namespace, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    return { output: () => text, stop: () => child.kill() };
  }

  const say = (name: string, phase: "Running" | "Stopped") =>
    api.store.mutate(virtualServerKind, { namespace, name }, (draft) => {
      const ready = {
        type: "Ready",
        status: phase === "Running" ? ("True" as const) : ("False" as const),
        observedGeneration: draft.metadata.generation ?? 1,
      };
      draft.status = {
        ...draft.status,
        phase,
        nodeName: "host-1",
        conditions: withCondition(draft.status?.conditions, ready, now),
      };
    });

  beforeAll(async () => {
    if (!existsSync(program))
      throw new Error(`${program} is missing: run "node deploy/install/main.ts --with-test-tools" as root`);
    const made = await kubectl(["create", "namespace", namespace]);
    if (made.output !== `namespace/${namespace} created\n`) throw new Error(made.errors);
  });

  test("finds every kind", async () => {
    const { output } = await kubectl(["api-resources"]);
    for (const line of [
      /^virtualservers +vs +vfleet\.dev\/v1 +true +VirtualServer$/m,
      /^nodes +no +v1 +false +Node$/m,
      /^migrations +mig /m,
      /^images +img /m,
      /^events +ev /m,
      /^namespaces +ns /m,
    ])
      expect(output).toMatch(line);
  });

  test("applies, and applies again", async () => {
    expect(await apply(manifest("web"))).toMatchObject({ code: 0, output: "virtualserver.vfleet.dev/web created\n" });
    expect(await apply(manifest("web"))).toMatchObject({ code: 0, output: "virtualserver.vfleet.dev/web unchanged\n" });
    expect(await apply(manifest("web", { runStrategy: "Stopped" }))).toMatchObject({
      code: 0,
      output: "virtualserver.vfleet.dev/web configured\n",
    });
    expect(await apply(manifest("web"), "--dry-run=server")).toMatchObject({
      code: 0,
      output: "virtualserver.vfleet.dev/web configured (server dry run)\n",
    });
    expect(api.store.read(virtualServerKind, { namespace, name: "web" }).spec.runStrategy).toBe("Stopped");
    expect(await apply(manifest("web"))).toMatchObject({ code: 0 });
    expect(api.store.read(virtualServerKind, { namespace, name: "web" })).toMatchObject({
      metadata: { generation: 3 },
      spec: { runStrategy: "Running" },
    });
  });

  test("prints tables, wide tables, YAML, JSON and names", async () => {
    await say("web", "Running");
    expect((await inNamespace("get", "vs")).output).toMatch(
      /^NAME +STATUS +NODE +ADDRESS +RESTARTS +AGE\nweb +Running +host-1 +<none> +0 +\d+s\n$/,
    );
    expect((await inNamespace("get", "vs", "-o", "wide")).output).toMatch(
      /^NAME .* IMAGE +MEMORY .*\nweb .* debian-12 +1Gi /,
    );
    expect((await kubectl(["get", "virtualservers", "-A", "--show-labels"])).output).toMatch(
      new RegExp(`^${namespace} +web .* app=web$`, "m"),
    );
    expect((await inNamespace("get", "vs", "web", "-o", "yaml")).output).toMatch(/^kind: VirtualServer$/m);
    expect(JSON.parse((await inNamespace("get", "vs", "-o", "json")).output)).toMatchObject({
      kind: "List",
      items: [{ kind: "VirtualServer" }],
    });
    expect((await inNamespace("get", "vs", "-l", "app=web", "-o", "name")).output).toBe(
      "virtualserver.vfleet.dev/web\n",
    );
    expect((await inNamespace("get", "vs", "--field-selector", "status.phase=Stopped")).errors).toContain(
      "No resources found",
    );
    expect((await inNamespace("get", "vs", "web", "-o", "jsonpath={.status.nodeName}")).output).toBe("host-1");
    expect((await kubectl(["get", "nodes"])).output).toMatch(/^host-1 +Ready /m);
  });

  test("watches a collection and one object", async () => {
    const all = follow("get", "vs", "-w");
    const one = follow("get", "vs", "web", "-w");
    await expect.poll(all.output, { timeout: timeoutMs }).toMatch(/^web +Running /m);
    await expect.poll(one.output, { timeout: timeoutMs }).toMatch(/^web +Running /m);
    await say("web", "Stopped");
    await expect.poll(all.output).toMatch(/^web +Stopped /m);
    await expect.poll(one.output).toMatch(/^web +Stopped /m);
    await apply(manifest("seen"));
    await expect.poll(all.output).toMatch(/^seen +Pending /m);
    expect(one.output()).not.toContain("seen");
    all.stop();
    one.stop();
  });

  test("waits for a condition, for a value, and for the end", async () => {
    const ready = inNamespace("wait", "vs/web", "--for=condition=Ready", "--timeout=20s");
    const running = inNamespace("wait", "vs/web", "--for=jsonpath={.status.phase}=Running", "--timeout=20s");
    await say("web", "Running");
    expect(await ready).toMatchObject({ code: 0, output: "virtualserver.vfleet.dev/web condition met\n" });
    expect(await running).toMatchObject({ code: 0 });
    const gone = inNamespace("wait", "vs/seen", "--for=delete", "--timeout=20s");
    expect(await inNamespace("delete", "vs", "seen")).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^virtualserver\.vfleet\.dev "seen" deleted/),
    });
    expect(await gone).toMatchObject({ code: 0 });
  });

  test("describes servers with their events, and nodes with their servers", async () => {
    const { metadata } = api.store.read(virtualServerKind, { namespace, name: "web" });
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "web.1" },
      involvedObject: { kind: "VirtualServer", name: "web", namespace, uid: metadata.uid },
      reason: "Started",
      message: "it runs",
      type: "Normal",
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: "test" },
    };
    expect(await kubectl(["-n", namespace, "create", "-f", "-"], JSON.stringify(event))).toMatchObject({ code: 0 });
    const server = await inNamespace("describe", "vs", "web");
    expect(server.output).toMatch(/^Name: +web$/m);
    expect(server.output).toMatch(/Normal +Started .* it runs/);
    const host = await kubectl(["describe", "node", "host-1"]);
    expect(host).toMatchObject({ code: 0, errors: "" });
    expect(host.output).toMatch(new RegExp(`^ +${namespace} +web +100m \\(5%\\)`, "m"));
    expect((await inNamespace("get", "events")).output).toMatch(/Normal +Started +virtualserver\/web +it runs/);
  });

  test("cordons, uncordons, taints", async () => {
    expect(await kubectl(["cordon", "host-1"])).toMatchObject({ code: 0, output: "node/host-1 cordoned\n" });
    expect((await kubectl(["get", "nodes"])).output).toContain("Ready,SchedulingDisabled");
    expect(await kubectl(["uncordon", "host-1"])).toMatchObject({ code: 0, output: "node/host-1 uncordoned\n" });
    expect(await kubectl(["taint", "node", "host-1", "a=b:NoSchedule"])).toMatchObject({
      code: 0,
      output: "node/host-1 tainted\n",
    });
    expect(await kubectl(["taint", "node", "host-1", "a-"])).toMatchObject({
      code: 0,
      output: "node/host-1 untainted\n",
    });
    expect(api.store.read(nodeKind, { name: "host-1" })).toMatchObject({ status: node.status });
  });

  test("labels, annotates, patches, replaces, edits nothing it may not", async () => {
    expect(await inNamespace("label", "vs", "web", "tier=db")).toMatchObject({
      code: 0,
      output: "virtualserver.vfleet.dev/web labeled\n",
    });
    expect(await inNamespace("annotate", "vs", "web", "a=b")).toMatchObject({ code: 0 });
    expect(
      await inNamespace("patch", "vs", "web", "--type=merge", "-p", '{"spec":{"restartPolicy":"Never"}}'),
    ).toMatchObject({ code: 0 });
    expect(
      await inNamespace("patch", "vs", "web", "--type=json", "-p", '[{"op":"remove","path":"/metadata/labels/tier"}]'),
    ).toMatchObject({ code: 0 });
    expect(await inNamespace("patch", "vs", "web", "--type=merge", "-p", '{"spec":{"image":"other"}}')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('spec.image: Invalid value: "other": field is immutable'),
    });
    expect(await kubectl(["-n", namespace, "replace", "-f", "-"], manifest("web"))).toMatchObject({
      code: 0,
      output: "virtualserver.vfleet.dev/web replaced\n",
    });
  });

  test("explains", async () => {
    expect((await kubectl(["explain", "vs.spec.resources.limits"])).output).toMatch(/memory\s+<string>\n +An amount/);
    expect((await kubectl(["explain", "migration.spec"])).output).toContain("targetNode");
    expect((await kubectl(["explain", "node.spec", "--recursive"])).output).toContain("unschedulable");
  });

  test("says who one is and what one may", async () => {
    expect((await kubectl(["auth", "whoami"])).output).toMatch(/^Username +admin$/m);
    expect((await kubectl(["auth", "can-i", "create", "vs"])).output).toBe("yes\n");
    expect((await kubectl(["--context", "reader", "auth", "can-i", "create", "vs"])).output).toMatch(/^no\b/);
    expect((await kubectl(["auth", "can-i", "--list"])).output).toContain("[*]");
    expect((await kubectl(["top", "nodes"])).output).toMatch(/^host-1 +250m +12% +1024Mi +25%/m);
  });

  test.each<[string, string[], string | undefined, string]>([
    [
      "an unknown object",
      ["get", "vs", "nothere"],
      undefined,
      'Error from server (NotFound): virtualservers.vfleet.dev "nothere" not found',
    ],
    [
      "a duplicate name",
      ["create", "-f", "-"],
      manifest("web"),
      'Error from server (AlreadyExists): error when creating "STDIN": virtualservers.vfleet.dev "web" already exists',
    ],
    [
      "a bad quantity",
      ["create", "-f", "-"],
      manifest("bad", { resources: { limits: { memory: "-1Gi" } } }),
      'The VirtualServer "bad" is invalid: spec.resources.limits.memory: Invalid value: "-1Gi"',
    ],
    [
      "an unknown field",
      ["create", "-f", "-"],
      manifest("bad", { memroy: "1Gi" }),
      'strict decoding error: unknown field "spec.memroy"',
    ],
    [
      "a missing member",
      ["create", "-f", "-"],
      JSON.stringify({ ...JSON.parse(manifest("bad")), spec: {} }),
      "spec.image: Required value",
    ],
    ["a bad name", ["create", "-f", "-"], manifest("Bad_Name"), "metadata.name: Invalid value"],
    ["an unknown kind", ["get", "widgets"], undefined, 'the server doesn\'t have a resource type "widgets"'],
    [
      "server-side apply",
      ["apply", "--server-side", "-f", "-"],
      manifest("web"),
      "server-side apply is not available yet",
    ],
    [
      "a reader who writes",
      ["--context", "reader", "delete", "vs", "web"],
      undefined,
      'Error from server (Forbidden): virtualservers.vfleet.dev "web" is forbidden: User "reader" cannot delete',
    ],
    ["a wrong token", ["--token", "wrong", "get", "vs"], undefined, "You must be logged in to the server"],
  ])("words %s clearly", async (_what, args, input, message) => {
    const outcome = await kubectl(["-n", namespace, ...args], input);
    expect(outcome.code).toBe(1);
    expect(outcome.errors).toContain(message);
  });

  test("refuses a namespace that is not there, and deletes one with all that is in it", async () => {
    expect((await kubectl(["-n", "nowhere", "create", "-f", "-"], manifest("x"))).errors).toContain(
      'namespaces "nowhere" not found',
    );
    expect(await kubectl(["delete", "namespace", namespace])).toMatchObject({ code: 0 });
    expect((await kubectl(["get", "namespace", namespace])).errors).toContain("NotFound");
    expect(api.store.list(virtualServerKind, { namespace }).items).toEqual([]);
  });
});
