import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startInBackground, type BackgroundProgram } from "./background-program.ts";
import { unsettledSocket } from "./unsettled-socket.ts";

const searchPath = process.env["PATH"] ?? "";
let folder = "";
let program: BackgroundProgram | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "unsettled-"));
});
afterEach(() => {
  program?.kill();
  rmSync(folder, { recursive: true });
});

/** What is found in a server of its own network and mounts that runs a script and then stays. */
async function server(script: string): Promise<() => Promise<string | undefined>> {
  const prepare = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd /run/web";
  program = await startInBackground({
    program: "unshare",
    arguments: ["--net", "--mount", "sh", "-c", `${prepare}; ${script}; wait`],
    logFile: join(folder, "log"),
    searchPath,
  });
  const container = { id: "web", runtimeRoot: folder, bundle: "", criuConfigPath: "" };
  mkdirSync(join(folder, "web"));
  writeFileSync(join(folder, "web", "state.json"), JSON.stringify({ init_process_pid: program.pid, cgroup_paths: {} }));
  return () => unsettledSocket(container, searchPath);
}

/** Stopped, like a task that is frozen, it takes nothing. */
const stopped = (program: string, name: string) =>
  `${program} & receiver=$!; while ! grep -q ${name} /proc/$receiver/net/unix; do sleep 0.01; done; kill -STOP $receiver`;

it("finds early data on a connection, until somebody has accepted it", async () => {
  const found = await server(
    `${stopped("socat -u UNIX-LISTEN:/run/web/x -", "/run/web/x")}; (echo early; sleep 100) | socat - UNIX-CONNECT:/run/web/x & sleep 2; kill -CONT $receiver`,
  );
  await expect.poll(found).toBe("a connection that is not accepted yet has data");
  await expect.poll(found, { timeout: 10_000 }).toBeUndefined();
});

it("finds what an init system has not read, until it has", async () => {
  const found = await server(
    `${stopped("socat -u UNIX-RECV:/run/systemd/notify -", "/run/systemd/notify")}; echo READY=1 | socat - UNIX-SENDTO:/run/systemd/notify; sleep 2; kill -CONT $receiver`,
  );
  await expect.poll(found).toBe("/run/systemd/notify has unread messages");
  await expect.poll(found, { timeout: 10_000 }).toBeUndefined();
});

it("leaves to CRIU what other programs have not read", async () => {
  const found = await server(
    `${stopped("socat -u UNIX-RECV:/run/web/x -", "/run/web/x")}; echo hello | socat - UNIX-SENDTO:/run/web/x; touch ${join("/run", "sent")}; sleep 100`,
  );
  const sent = () =>
    startInBackground({
      program: "nsenter",
      arguments: [`--target=${program?.pid}`, "--mount", "test", "-e", "/run/sent"],
      logFile: join(folder, "log"),
      searchPath,
    }).then(({ exited }) => exited);
  await expect.poll(sent).toMatchObject({ code: 0 });
  expect(await found()).toBeUndefined();
});
