/**
 * The part of the host check that runs as the first process of a box: namespaces of its own for processes, network,
 * mounts, names and IPC. When it ends, all that it started or mounted is gone with it. Prints one step a line.
 */
import { boxNetwork, createBridge, plugIn, unplug } from "./box-network.ts";
import { idleUser, serverPort, serverUser } from "./bundle.ts";
import type { CheckStep } from "./check-step.ts";
import { CheckContainer } from "./container.ts";
import { LineClient } from "./line-client.ts";
import { runProgram } from "./program.ts";

const answerTimeoutMs = 3000;
const newerCriuHint = "A newer CRIU may know this kernel better. Run the installer with --criu private";

/** Steps that cannot be done, as an earlier one failed, are left out. */
async function runSteps(cgroupPath: string): Promise<void> {
  const container = await step("box", "The kernel must allow new mounts and networks", () => {
    // CRIU remembers what it learned about the kernel only on a tmpfs; and all that is written here must vanish.
    mustRun("mount", "-t", "tmpfs", "tmpfs", "/run");
    createBridge();
    return { detail: "own processes, mounts and network", value: new CheckContainer("/run/check", cgroupPath) };
  });
  try {
    await moveContainer(container);
  } finally {
    container.delete();
  }
}

async function moveContainer(container: CheckContainer): Promise<void> {
  const sourcePid = await step("container", 'It has a user namespace: see "sysctl user.max_user_namespaces"', () => {
    container.start();
    plugIn(container.pid);
    return { detail: "runs in a user namespace", value: container.pid };
  });
  const client = await step("connection", "veth and bridge must work in this kernel", async () => {
    const connected = await LineClient.connect(boxNetwork.server, serverPort, 100);
    expectEqual("the counter", await connected.ask("first", answerTimeoutMs), "1 first");
    return { detail: "TCP connection from outside is open", value: connected };
  });
  const users = container.processUsers();
  const startedMs = performance.now();
  await step("dump", newerCriuHint, () => {
    container.checkpoint();
    unplug(sourcePid);
    return {
      detail: `${users.length} processes of users ${[...new Set(users)].join(", ")} in ${elapsedMs(startedMs)} ms`,
      value: undefined,
    };
  });
  const dumpedMs = performance.now();
  await step("restore", newerCriuHint, () => {
    container.restore();
    plugIn(container.pid);
    return { detail: `in ${elapsedMs(dumpedMs)} ms`, value: undefined };
  });
  await step("continuity", "Memory, users or the connection were not restored as they were", async () => {
    expectEqual("the counter", await client.ask("second", answerTimeoutMs), "2 second");
    const pauseMs = elapsedMs(startedMs);
    expectEqual("the users of the processes", container.processUsers().join(), users.join());
    expectEqual(
      "the server's users among them",
      [serverUser, idleUser].every((user) => users.includes(user)),
      true,
    );
    return { detail: `same connection, memory and users after a pause of ${pauseMs} ms`, value: undefined };
  });
  client.close();
}

class StepFailed extends Error {}

async function step<T>(name: string, hint: string, work: () => Result<T> | Promise<Result<T>>): Promise<T> {
  try {
    const { detail, value } = await work();
    print({ name, level: "required", ok: true, detail });
    return value;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    print({ name, level: "required", ok: false, detail, hint });
    throw new StepFailed(detail);
  }
}

interface Result<T> {
  readonly detail: string;
  readonly value: T;
}

function print(result: CheckStep): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected "${String(expected)}", got "${String(actual)}"`);
}

function elapsedMs(sinceMs: number): number {
  return Math.round(performance.now() - sinceMs);
}

function mustRun(...command: string[]): void {
  const finished = runProgram(command);
  if (!finished.ok) throw new Error(`${command.join(" ")}: ${finished.stderr.trim()}`);
}

try {
  await runSteps(process.argv[2] ?? "");
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
}
// The first process's end is the end of everything in the box.
process.exit(0);
