import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";

const privateProgram = "/opt/vfleet/bin/nats-server";

/** A real nats-server with JetStream on loopback and a folder of its own, for tests. */
export class TestNatsServer {
  readonly #folder = mkdtempSync(join(tmpdir(), "vfleet-nats-"));
  #process: ChildProcess | undefined;
  #port = 0;

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const configuration = join(this.#folder, "nats.conf");
    writeFileSync(
      configuration,
      `listen: "127.0.0.1:${this.#port}"\njetstream { store_dir: "${this.#folder}/data", sync_interval: always }\n`,
    );
    const program = existsSync(privateProgram) ? privateProgram : "nats-server";
    const child = spawn(program, ["-c", configuration], { stdio: "ignore" });
    this.#process = child;
    // A test run that is cut short leaves no server behind.
    process.once("exit", () => child.kill("SIGKILL"));
    await this.connect().then((connection) => connection.close());
  }

  /** As a power cut would: nothing is written at the end. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null) return;
    const ended = new Promise((resolve) => process.once("exit", resolve));
    process.kill("SIGKILL");
    await ended;
  }

  /** Alive but silent, as a host that is paused, until the returned function is called. */
  pause(): () => void {
    this.#process?.kill("SIGSTOP");
    return () => this.#process?.kill("SIGCONT");
  }

  connect(): Promise<NatsConnection> {
    return connect({ servers: this.url, maxReconnectAttempts: -1, reconnectTimeWait: 50, waitOnFirstConnect: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // of a TCP listener
  await new Promise((resolve) => server.close(resolve));
  return port;
}
