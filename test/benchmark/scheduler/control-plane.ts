import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NatsConnection } from "nats";
import { natsConfig } from "../../../deploy/lab/nats-config.ts";
import { createAuthority, issueCertificate } from "../../../deploy/pki/authority.ts";
import { createNkey } from "../../../deploy/pki/nkey.ts";
import { createToken, tokenDigest } from "../../../deploy/pki/token.ts";
import { root } from "../../fleet/paths.ts";
import { ApiClient } from "./api-client.ts";
import { connectNats, type NatsAccess } from "./nats-access.ts";
import { usageOf, type ProcessUsage } from "./process-usage.ts";

const natsServer = "/opt/vfleet/bin/nats-server";
const startLimitMs = 30_000;
/** What ends later than this is ended by force: a profile of minutes takes a while to be written. */
const stopLimitMs = 30_000;

/** A nats-server that syncs each record, Redis and a controller, each a process of its own, on loopback, with nothing left of an earlier one. */
export class ControlPlane {
  readonly api: ApiClient;
  readonly #folder: string;
  readonly #natsUrl: string;
  readonly #seed: string;
  readonly #processes: ChildProcess[] = [];

  private constructor(parts: { api: ApiClient; folder: string; natsUrl: string; seed: string }) {
    this.api = parts.api;
    this.#folder = parts.folder;
    this.#natsUrl = parts.natsUrl;
    this.#seed = parts.seed;
  }

  /** `profileFolder`: the controller's CPU profile is written there when it ends. */
  static async start(profileFolder: string | undefined): Promise<ControlPlane> {
    const folder = mkdtempSync(join(tmpdir(), "vfleet-scheduler-"));
    const [natsPort, redisPort, apiPort] = await Promise.all([freePort(), freePort(), freePort()]);
    const token = createToken();
    const nkey = createNkey();
    await writeCertificate(folder);
    const tls = {
      ca: join(folder, "ca.pem"),
      certificate: join(folder, "part.pem"),
      key: join(folder, "part.key"),
    };
    const address = "127.0.0.1";
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const natsUrl = `tls://${address}:${natsPort}`;
    const storeFolder = join(folder, "jetstream");
    mkdirSync(storeFolder);
    const natsFile = write(
      "nats.json",
      natsConfig({ address, port: natsPort, storeFolder, tls, controllerKey: nkey.publicKey, nodeKeys: new Map() }),
    );
    const config = {
      listen: { host: address, port: apiPort },
      tls,
      agentTls: tls,
      nats: { servers: [natsUrl], nkeySeedFile: write("nkey", nkey.seed), tls },
      redis: { url: `redis://${address}:${redisPort}` },
      tokensFile: write(
        "tokens.json",
        JSON.stringify([{ name: "admin", groups: ["system:masters"], sha256: tokenDigest(token) }]),
      ),
      // As many as there are addresses in the default range.
      idBlocks: { start: 200_000_000, count: 62_000 },
    };
    const configFile = write("controller.json", JSON.stringify(config));
    const api = new ApiClient({ port: apiPort, token, ca: readFileSync(tls.ca) });
    const plane = new ControlPlane({ api, folder, natsUrl, seed: nkey.seed });
    plane.#run(natsServer, ["--config", natsFile]);
    plane.#run("redis-server", ["--bind", address, "--port", String(redisPort), "--save", "", "--dir", folder]);
    const profiling = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
    plane.#run(process.execPath, [...profiling, `${root}controller/src/main.ts`, "--config", configFile]);
    // After what ends the processes.
    process.once("exit", plane.#remove);
    await plane.#ready();
    return plane;
  }

  /** For processes of their own. */
  get access(): NatsAccess {
    return { url: this.#natsUrl, seed: this.#seed, folder: this.#folder };
  }

  connectNats(): Promise<NatsConnection> {
    return connectNats(this.access);
  }

  /** Ends what was started, the controller first. */
  async stop(): Promise<void> {
    this.api.close();
    for (const process of this.#processes.toReversed()) {
      if (process.exitCode !== null || process.signalCode !== null) continue;
      const ended = new Promise((resolve) => process.once("exit", resolve));
      process.kill("SIGTERM");
      const forced = setTimeout(() => process.kill("SIGKILL"), stopLimitMs);
      await ended;
      clearTimeout(forced);
    }
    this.#remove();
    process.off("exit", this.#remove);
  }

  readonly #remove = (): void => rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });

  /** Of the controller and of its NATS server, since they started. */
  usage(): { controller: ProcessUsage; nats: ProcessUsage } {
    return { controller: usageOf(this.#processes.at(-1)?.pid ?? 0), nats: usageOf(this.#processes[0]?.pid ?? 0) };
  }

  #run(program: string, args: readonly string[]): void {
    const output = openSync(join(this.#folder, "log"), "a");
    const child = spawn(program, args, {
      stdio: ["ignore", output, output],
      env: { ...process.env, VFLEET_LOG_LEVEL: "warn" },
    });
    closeSync(output);
    // A run that is cut short leaves nothing behind.
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    this.#processes.push(child);
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + startLimitMs;
    while (performance.now() < deadline) {
      if (await this.api.isReady()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the controller did not start:\n${readFileSync(join(this.#folder, "log"), "utf8").slice(-4000)}`);
  }
}

async function writeCertificate(folder: string): Promise<void> {
  const nowMs = Date.now();
  const authority = await createAuthority("vfleet benchmark", nowMs);
  const request = { commonName: "controller", dnsNames: ["localhost"], addresses: ["127.0.0.1"] };
  const pem = await issueCertificate(authority, request, nowMs);
  writeFileSync(join(folder, "ca.pem"), authority.pem.certificate);
  writeFileSync(join(folder, "part.pem"), pem.certificate);
  writeFileSync(join(folder, "part.key"), pem.key, { mode: 0o600 });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // of a TCP listener
  await new Promise((resolve) => server.close(resolve));
  return port;
}
