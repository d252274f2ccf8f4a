import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runForTest } from "./test-cli.ts";

let folder = "";
let config = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vctl-"));
  config = join(folder, "config");
  const entry = (name: string) => `{name: ${name}, context: {cluster: ${name}, user: me, namespace: prod}}`;
  const clusters =
    "[{name: a, cluster: {server: 'https://127.0.0.1:1'}}, {name: b, cluster: {server: 'https://127.0.0.1:1'}}]";
  writeFileSync(
    config,
    `# mine\nclusters: ${clusters}\nusers: [{name: me, user: {token: secret}}]\ncontexts: [${entry("a")}, ${entry("b")}]\ncurrent-context: a\n`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

test("help names every verb", async () => {
  const { exitCode, output } = await runForTest(["--help"]);
  expect(exitCode).toBe(0);
  for (const verb of ["get", "migrate", "drain", "doctor"]) expect(output).toContain(verb);
});

test("a verb, flag or type that is unknown is an error with a way on", async () => {
  expect(await runForTest(["fly"])).toMatchObject({
    exitCode: 1,
    error: "error: unknown command 'fly'\nSee 'vctl --help' for usage.\n",
  });
  expect((await runForTest(["get", "--fly"])).error).toBe(
    "error: unknown option '--fly'\nSee 'vctl get --help' for usage.\n",
  );
  expect(await runForTest(["get"])).toMatchObject({ exitCode: 1, output: "" });
});

test("a server that is not there is named, with how to choose another", async () => {
  const { exitCode, error } = await runForTest(["get", "vs"], { KUBECONFIG: config });
  expect(exitCode).toBe(1);
  expect(error).toBe(
    'The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\nChoose a fleet with KUBECONFIG=FILE, --kubeconfig FILE or --context NAME ("vctl config get-contexts" lists them)\n',
  );
});

test("contexts are listed, chosen and kept with the file's comments", async () => {
  expect((await runForTest(["config", "get-contexts"], { KUBECONFIG: config })).output).toBe(
    "CURRENT   NAME   CLUSTER   AUTHINFO   NAMESPACE\n*         a      a         me         prod\n          b      b         me         prod\n",
  );
  expect((await runForTest(["config", "use-context", "b", "--kubeconfig", config])).output).toBe(
    'Switched to context "b".\n',
  );
  expect(readFileSync(config, "utf8")).toMatch(/^# mine/);
  expect((await runForTest(["config", "current-context"], { KUBECONFIG: config })).output).toBe("b\n");
  expect((await runForTest(["--context", "c", "get", "vs"], { KUBECONFIG: config })).error).toBe(
    'error: no context exists with the name: "c"\n',
  );
});

test("the first of several files says which context is current", async () => {
  const second = join(folder, "second");
  writeFileSync(second, "contexts: [{name: z, context: {cluster: a, user: me}}]\ncurrent-context: z\n");
  const { output } = await runForTest(["config", "current-context"], {
    KUBECONFIG: `${join(folder, "missing")}:${config}:${second}`,
  });
  expect(output).toMatch(/^[ab]\n$/);
});

test("run says what it would make", async () => {
  const words = [
    "run",
    "web",
    "--image",
    "redis",
    "--memory",
    "1Gi",
    "-l",
    "app=web,tier=db",
    "--env",
    "A=b=c",
    "--restart",
    "Never",
    "--dry-run=client",
    "-o",
    "json",
  ];
  const { output } = await runForTest([...words, "--", "redis-server", "-n", "1", "--bind", "0.0.0.0"], {
    KUBECONFIG: config,
  });
  expect(JSON.parse(output)).toEqual({
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: { name: "web", labels: { app: "web", tier: "db" } },
    spec: {
      image: "redis",
      command: ["redis-server", "-n", "1", "--bind", "0.0.0.0"],
      environment: { A: "b=c" },
      resources: { limits: { memory: "1Gi" } },
      restartPolicy: "Never",
    },
  });
});

test("migrate and drain say what they would make", async () => {
  const { output } = await runForTest(["migrate", "vs/web", "--to", "node/host-2", "--dry-run=client", "-o", "json"], {
    KUBECONFIG: config,
  });
  expect(JSON.parse(output)).toMatchObject({
    metadata: { generateName: "web-" },
    spec: { server: "web", targetNode: "host-2" },
  });
});

test("what a drain may take is said in the units of the API", async () => {
  const kept = { KUBECONFIG: config };
  const refused = await runForTest(["drain", "host-1", "--deadline", "0", "--dry-run=client"], kept);
  expect(refused).toMatchObject({ exitCode: 1 });
  expect(refused.error).toContain("A duration above 0 is needed");
  expect((await runForTest(["drain", "host-1", "--fallback", "burn"], kept)).error).toContain("wait, cold, stop");
});

test("a plan is asked for by a flag that stands alone, before or after the host", async () => {
  const asked = async (...words: string[]) => (await runForTest(["drain", ...words], { KUBECONFIG: config })).error;
  expect(await asked("--dry-run")).toContain("USAGE: drain NODE");
  expect(await asked("host-1", "--dry-run=later")).toContain('unknown dry-run strategy "later"');
  for (const words of [
    ["host-1", "--dry-run"],
    ["--dry-run", "host-1"],
  ])
    expect(await asked(...words)).toContain("was refused - did you specify the right host or port?");
});

test("what was drained is brought back to one host at a time", async () => {
  for (const words of [
    ["host-1", "host-2"],
    ["-l", "zone=a"],
    ["host-1", "--dry-run=server"],
    ["host-1", "host-2", "--dry-run"],
  ]) {
    const { error } = await runForTest(["uncordon", ...words, "--bring-back"], { KUBECONFIG: config });
    expect(error).toContain("USAGE: uncordon NODE --bring-back");
  }
  for (const words of [
    ["host-1", "--dry-run", "--bring-back"],
    ["--bring-back", "--dry-run", "host-1"],
  ])
    expect((await runForTest(["uncordon", ...words], { KUBECONFIG: config })).error).toContain("was refused");
  expect((await runForTest(["uncordon", "host-1", "--dry-run"], { KUBECONFIG: config })).error).toContain(
    "USAGE: uncordon NODE --dry-run=client",
  );
  const { error } = await runForTest(["uncordon", "host-1", "--bring-back", "--fallback", "stop"], {
    KUBECONFIG: config,
  });
  expect(error).toContain("wait, cold");
});

test("what a move may cost is said in the units of the API", async () => {
  const words = "migrate web --mode Postcopy --allow-post-copy --bandwidth 50M --max-downtime 1.5s --rounds 3";
  const more = "--completion-timeout 2m --progress-timeout 500ms --dry-run=client -o json";
  const { output } = await runForTest(`${words} ${more}`.split(" "), { KUBECONFIG: config });
  expect(JSON.parse(output)).toMatchObject({
    spec: {
      server: "web",
      mode: "Postcopy",
      allowPostCopy: true,
      bandwidth: "50M",
      maxDowntimeMs: 1500,
      rounds: 3,
      completionTimeoutSeconds: 120,
      progressTimeoutSeconds: 1,
    },
  });
  const { output: none } = await runForTest(
    ["migrate", "web", "--no-allow-post-copy", "--dry-run=client", "-o", "json"],
    {
      KUBECONFIG: config,
    },
  );
  expect(JSON.parse(none)).toMatchObject({ spec: { server: "web", allowPostCopy: false } });
  expect((await runForTest(["migrate", "web", "--rounds", "few"], { KUBECONFIG: config })).error).toContain(
    "whole number",
  );
});
