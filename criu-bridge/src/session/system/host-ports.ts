import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { systemEnvironment } from "@vfleet/shared";
import { processesOf } from "../../criu/container-tasks.ts";
import type { Outcome, RestoreRequest, RuncContainer, SourcePorts, TargetPorts } from "../ports.ts";
import { hostFolders, network } from "./host-folders.ts";
import { run, runSilently } from "./run.ts";

const pollMs = 20;
/** Of a bridge (bridge(8)). */
const portStates = { disabled: 0, forwarding: 3 } as const;

type Ask = (ask: "commit" | "abort" | "outcome", operation: string) => Promise<Outcome>;

export interface PortsOptions {
  box: string;
  host: string;
  operation: string;
  ask: Ask;
}

export function containerOf(box: string, host: string): RuncContainer {
  const folders = hostFolders(box, host);
  return { id: "web", runtimeRoot: folders.runtimeRoot, bundle: folders.bundle, criuConfigPath: folders.criuConfig };
}

/** Moments at which a host's process can be made to die by itself. */
export const momentsOfDeath = ["stopped", "commit", "attach", "start", "started"] as const;
export type MomentOfDeath = (typeof momentsOfDeath)[number];

export function armDeath(box: string, host: string, moment: MomentOfDeath): void {
  writeFileSync(deathFile(box, host, moment), "");
}

function mayDie({ box, host }: PortsOptions, moment: MomentOfDeath): void {
  const file = deathFile(box, host, moment);
  if (!existsSync(file)) return;
  rmSync(file);
  process.kill(process.pid, "SIGKILL");
}

function deathFile(box: string, host: string, moment: MomentOfDeath): string {
  return `${hostFolders(box, host).failpoints}/dies-when-${moment}`;
}

/** As a fleet's first start does it. */
async function startServer(box: string, host: string): Promise<void> {
  const folders = hostFolders(box, host);
  await runSilently("runc", "--root", folders.runtimeRoot, "run", "--detach", "--bundle", folders.bundle, "web");
  await join(host);
}

async function join(host: string): Promise<void> {
  await run("ip", "link", "set", `ve-${host}`, "master", network.bridge, "up");
}

/** As agents do: with the link down the server's end would lose its carrier, and for up to a second what the network had told it. */
async function setPort(host: string, state: keyof typeof portStates): Promise<void> {
  await run("bridge", "link", "set", "dev", `ve-${host}`, "state", String(portStates[state]));
}

/** Whatever is left of an earlier run. */
export async function startAfresh(box: string, host: string): Promise<void> {
  await removeContainer(box, host);
  await startServer(box, host);
}

async function removeContainer(box: string, host: string): Promise<void> {
  await run("runc", "--root", hostFolders(box, host).runtimeRoot, "delete", "--force", "web");
}

/** Real runc, btrfs and veth, as simple as they can be. */
export function sourcePorts(options: PortsOptions): SourcePorts {
  const folders = hostFolders(options.box, options.host);
  const snapshots = `${folders.volumes}/sent`;
  let last: string | undefined;
  let count = 0;
  const send = async (): Promise<Readable> => {
    mkdirSync(snapshots, { recursive: true });
    const snapshot = `${snapshots}/${options.operation}-${count++}`;
    await run("btrfs", "subvolume", "snapshot", "-r", folders.live, snapshot);
    const parent = last === undefined ? [] : ["-p", last];
    last = snapshot;
    return outputOf("btrfs", ["send", "-q", ...parent, snapshot]);
  };
  const stopBegun = `${folders.base}/stop-begun`;
  const container = containerOf(options.box, options.host);
  return {
    container,
    server: {
      stop: async () => {
        writeFileSync(stopBegun, "");
        await run("runc", "--root", folders.runtimeRoot, "kill", "web", "TERM");
        while (processesOf(container).size > 0) await systemEnvironment.sleep(pollMs);
        await removeContainer(options.box, options.host);
        mayDie(options, "stopped");
      },
      startAgain: async () => {
        if (!existsSync(stopBegun)) return;
        await startAfresh(options.box, options.host);
        rmSync(stopBegun);
      },
    },
    volume: {
      sendRound: send,
      sendFrozen: send,
      release: async () => {
        await deleteAll(snapshots);
        rmSync(stopBegun, { force: true });
      },
    },
    network: {
      isolate: () => setPort(options.host, "disabled"),
      rejoin: () => setPort(options.host, "forwarding"),
    },
    outcome: (operation) => options.ask("outcome", operation),
    abort: (operation) => options.ask("abort", operation),
  };
}

export function targetPorts(options: PortsOptions): TargetPorts {
  const folders = hostFolders(options.box, options.host);
  const received = `${folders.volumes}/received`;
  mkdirSync(received, { recursive: true });
  const order: string[] = [];
  let activated = false;
  return {
    container: containerOf(options.box, options.host),
    server: {
      start: async () => {
        mayDie(options, "start");
        if (processesOf(containerOf(options.box, options.host)).size === 0)
          await startServer(options.box, options.host);
        mayDie(options, "started");
      },
    },
    volume: {
      base: () => Promise.resolve(undefined),
      receive: async (stream) => {
        const before = new Set(readdirSync(received));
        await feed(stream, "btrfs", ["receive", received]);
        order.push(...readdirSync(received).filter((name) => !before.has(name)));
      },
      activate: async () => {
        if (existsSync(folders.live)) await run("btrfs", "subvolume", "delete", folders.live);
        await run("btrfs", "subvolume", "snapshot", `${received}/${order.at(-1) ?? ""}`, folders.live);
        activated = true;
      },
      release: () => deleteAll(received),
      discard: async () => {
        await deleteAll(received);
        if (activated) await run("btrfs", "subvolume", "delete", folders.live);
      },
    },
    network: {
      attach: () => {
        mayDie(options, "attach");
        return join(options.host);
      },
    },
    settled: () => Promise.resolve(),
    restore: (request) => restore(options, request),
    discardContainer: async () =>
      void (await run("runc", "--root", folders.runtimeRoot, "delete", "--force", "web").catch(() => {})),
    commit: (operation) => {
      mayDie(options, "commit");
      return options.ask("commit", operation);
    },
    abort: (operation) => options.ask("abort", operation),
  };
}

async function restore(options: PortsOptions, request: RestoreRequest): Promise<void> {
  const folders = hostFolders(options.box, options.host);
  const args = [
    "--root",
    folders.runtimeRoot,
    "restore",
    "--detach",
    "--bundle",
    folders.bundle,
    ...request.arguments,
    "web",
  ];
  await runSilently("runc", ...args);
}

function outputOf(program: string, args: string[]): Readable {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  const output = new PassThrough({
    destroy: (error, done) => {
      if (child.exitCode !== null || child.signalCode !== null) return done(error);
      child.once("exit", () => done(error));
      child.kill("SIGKILL");
    },
  });
  child.stdout.pipe(output, { end: false });
  child.once("close", (code) => {
    if (code === 0) output.end();
    else output.destroy(new Error(`${program} ${args[0] ?? ""} ended with ${String(code)}`));
  });
  return output;
}

async function feed(stream: Readable, program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => (complaint += data.toString()));
  const exited = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${String(code)}: ${complaint.trim()}`)),
    );
  });
  const fed = pipeline(stream, child.stdin).catch((thrown: unknown) => {
    child.kill("SIGKILL");
    throw thrown;
  });
  for (const end of await Promise.allSettled([exited, fed])) if (end.status === "rejected") throw end.reason;
}

async function deleteAll(folder: string): Promise<void> {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    await run("btrfs", "subvolume", "delete", `${folder}/${name}`);
}
