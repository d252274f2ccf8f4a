import { equal, match, ok, rejects } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Environment, ServerAssignment } from "@vfleet/shared";
import type { BoxCheck } from "../../checks/box-check.ts";
import type { BundleRequest, RuntimeDriver } from "./runtime-driver.ts";

export interface RuntimeContractOptions {
  driver: () => RuntimeDriver;
  environment: Environment;
  /** A server whose root has `sh`, `cat`, `sleep`, `id` and `stty`, on a volume that is there. */
  bundle: (server: Partial<ServerAssignment>) => BundleRequest;
  uid: string;
  logFile: string;
}

const deadlineMs = 10_000;
/** Prints, counts SIGTERM as a wish to end, and waits. */
const politeScript = "trap 'echo bye; exit 7' TERM; echo out; echo err >&2; while :; do sleep 1 & wait $!; done";

/** What every runtime driver has to do. In order: later checks use what earlier ones made. */
export function runtimeDriverContract({
  driver,
  environment,
  bundle,
  uid,
  logFile,
}: RuntimeContractOptions): BoxCheck[] {
  const run = async (command: readonly string[], input = "") => {
    const session = await driver().exec(uid, { command, terminal: false });
    session.stdin.end(input);
    const [stdout, stderr, exitCode] = await Promise.all([
      buffer(session.stdout),
      session.stderr === undefined ? Buffer.of() : buffer(session.stderr),
      session.ended,
    ]);
    return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
  };
  const until = async (what: string, condition: () => Promise<boolean>) => {
    const endMs = environment.monotonicMs() + deadlineMs;
    while (!(await condition())) {
      if (environment.monotonicMs() > endMs) throw new Error(`${what}: not so after ${deadlineMs} ms`);
      await environment.sleep(20);
    }
  };
  return [
    {
      name: "makes a container whose command has not begun, then begins it",
      run: async () => {
        equal((await driver().inspect(uid)).state, "none");
        await driver().prepareBundle(bundle({ command: ["sh", "-c", politeScript] }));
        await driver().create(uid);
        equal((await driver().inspect(uid)).state, "created");
        await driver().start(uid);
        equal((await driver().inspect(uid)).state, "running");
      },
    },
    {
      name: "keeps what the command prints",
      run: () =>
        until("both lines in the log", async () =>
          /stdout F out[\s\S]*stderr F err|stderr F err[\s\S]*stdout F out/.test(await readFile(logFile, "utf8")),
        ),
    },
    {
      name: "runs a command inside, with its own output, input and exit code",
      run: async () => {
        const result = await run(["sh", "-c", "cat; echo problem >&2; exit 3"], "question");
        equal(JSON.stringify(result), JSON.stringify({ stdout: "question", stderr: "problem\n", exitCode: 3 }));
      },
    },
    {
      name: "runs a command on a terminal that can be resized",
      run: async () => {
        const session = await driver().exec(uid, {
          command: ["sh", "-c", "while read -r word && [ $word != end ]; do stty size; done"],
          terminal: true,
        });
        let output = "";
        session.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
        const asks = async (size: string) => {
          session.stdin.write("size\n");
          return output.includes(size);
        };
        session.resize(100, 40);
        await until("its size", () => asks("40 100"));
        session.resize(132, 50);
        await until("its new size", () => asks("50 132"));
        session.stdin.write("end\n");
        equal(await session.ended, 0);
      },
    },
    {
      name: "maps its root to the server's own ids, and gives it no more rights than it must have",
      run: async () => {
        const { stdout } = await run(["cat", "/proc/self/uid_map", "/proc/self/status"]);
        match(stdout, /^\s+0\s+1000000000\s+65536$/m);
        match(stdout, /^Seccomp:\s+2$/m);
        match(stdout, /^CapBnd:\s+00000000000405fb$/m);
      },
    },
    {
      name: "lets it write to its root, and not to the kernel's settings",
      run: async () => {
        equal((await run(["sh", "-c", "echo x > /tmp/file"])).exitCode, 0);
        ok((await run(["sh", "-c", "echo x > /proc/sys/kernel/hostname"])).exitCode !== 0);
        ok((await run(["sh", "-c", "echo x > /proc/sysrq-trigger"])).exitCode !== 0);
      },
    },
    {
      name: "changes limits while it runs",
      run: () =>
        driver().updateLimits(uid, {
          requestMilliCpu: 100,
          milliCpu: 500,
          memoryBytes: 100 << 20,
          diskBytes: 1 << 30,
          pids: 50,
        }),
    },
    { name: "lists it", run: async () => ok((await driver().list()).includes(uid)) },
    {
      name: "tells when it ended, and how",
      run: async () => {
        let seen: string | undefined;
        const stopWatching = driver().watchExits((ended) => (seen = ended));
        await driver().stop(uid, deadlineMs);
        await until("exit noted", async () => seen === uid);
        stopWatching();
        const state = await driver().inspect(uid);
        equal(state.state === "exited" ? state.exitCode : state.state, 7);
        await rejects(driver().exec(uid, { command: ["id"], terminal: false }), { code: "container-not-running" });
      },
    },
    {
      name: "leaves nothing when it is removed, and is done when nothing is there",
      run: async () => {
        await driver().remove(uid);
        await driver().remove(uid);
        equal((await driver().inspect(uid)).state, "none");
        ok(!(await driver().list()).includes(uid));
        ok(!(await readFile("/proc/self/mounts", "utf8")).includes(uid));
      },
    },
    {
      name: "kills what doesn't stop",
      run: async () => {
        await driver().prepareBundle(bundle({ command: ["sleep", "600"] }));
        await driver().create(uid);
        await driver().start(uid);
        await driver().stop(uid, 100);
        equal((await driver().inspect(uid)).state, "exited");
        await driver().remove(uid);
      },
    },
    {
      name: "says why a command can't be begun",
      run: async () => {
        await driver().prepareBundle(bundle({ command: ["no-such-program"] }));
        await rejects(async () => {
          await driver().create(uid);
          await driver().start(uid);
        }, /no-such-program/);
        await driver().remove(uid);
      },
    },
  ];
}
