import { match, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { runBoxChecks } from "../../checks/box-check.ts";
import type { BoxCheck } from "../../checks/box-check.ts";
import { mountRun } from "../../checks/box-disk.ts";
import { runProgram } from "../program/run-program.ts";
import type { RunResult } from "../program/run-program.ts";
import type { Port } from "./network-driver.ts";
import type { HostOrder } from "./network-host-order.ts";

const hostScript = fileURLToPath(new URL("network-host.box.ts", import.meta.url));
const answerSchema = z.object({ id: z.number(), result: z.unknown().optional(), failure: z.string().optional() });

/** The other end of `network-host.box.ts`. */
class Host {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  readonly ready: Promise<unknown>;

  constructor(name: string, address: string) {
    this.ready = this.#expect(0);
    this.#process = spawn("unshare", ["--net", process.execPath, hostScript, name, address], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#process.on("message", (message) => {
      const { id, result, failure } = answerSchema.parse(message);
      if (failure === undefined) this.#waiting.get(id)?.resolve(result);
      else this.#waiting.get(id)?.reject(new Error(failure));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  ask(order: HostOrder): Promise<unknown> {
    this.#lastId += 1;
    this.#process.send({ id: this.#lastId, ...order });
    return this.#expect(this.#lastId);
  }

  /** Runs a program in a server's network namespace. */
  async run(port: Port, ...command: string[]): Promise<RunResult> {
    return (await this.ask({ do: "run", uid: port.uid, command })) as RunResult; // `run` is answered so
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }

  #expect(id: number): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    return waiting.promise;
  }
}

const addresses = ["192.0.2.1", "192.0.2.2"] as const;
const web: Port = { uid: "web", address: "10.200.0.20", macAddress: "02:00:0a:c8:00:14" };
const client: Port = { uid: "client", address: "10.200.0.21", macAddress: "02:00:0a:c8:00:15" };
const payloadBytes = 20_000_000;
const hosts: Host[] = [];
const one = () => hosts[0] as Host; // started before the first check
const two = () => hosts[1] as Host;

function mapWith(webAt: string) {
  return {
    peers: { "host-1": addresses[0], "host-2": addresses[1] },
    servers: { [web.macAddress]: webAt, [client.macAddress]: addresses[1] },
  };
}

const connect = ["socat", "-u", "-T3", `TCP:${web.address}:7000,connect-timeout=2`, "SYSTEM:wc -c"];
const serve = [
  "sh",
  "-c",
  `setsid socat TCP-LISTEN:7000,fork,reuseaddr "SYSTEM:head -c ${payloadBytes} /dev/zero" >/dev/null 2>&1 & while ! ss -ltn | grep -q :7000; do :; done`,
];

export const checks: BoxCheck[] = [
  {
    name: "makes bridge and overlay, and again without harm",
    run: async () => {
      for (const host of hosts) {
        await host.ask({ do: "open" });
        await host.ask({ do: "map", map: mapWith(addresses[0]) });
      }
    },
  },
  {
    name: "carries TCP between servers of two hosts, every byte",
    run: async () => {
      await one().ask({ do: "create", port: web });
      await two().ask({ do: "create", port: client });
      await one().ask({ do: "attach", port: web });
      await two().ask({ do: "attach", port: client });
      await one().run(web, ...serve);
      match(
        (await two().run(client, "sh", "-c", `socat -u -T3 TCP:${web.address}:7000,connect-timeout=2 - | wc -c`))
          .stdout,
        new RegExp(`^${payloadBytes}$`, "m"),
      );
    },
  },
  {
    name: "lets its server answer the host it is on, and open nothing to it",
    run: async () => {
      await one().ask({
        do: "run-here",
        command: [
          "sh",
          "-c",
          `socat -u -T3 TCP:${web.address}:7000,connect-timeout=2 - | wc -c | grep -q ${payloadBytes}`,
        ],
      });
      await one().ask({
        do: "run-here",
        command: ["sh", "-c", "setsid socat TCP-LISTEN:7001,fork - >/dev/null 2>&1 & sleep 0.1"],
      });
      await rejects(one().run(web, "socat", "-u", "TCP:10.200.0.1:7001,connect-timeout=1", "-"));
    },
  },
  {
    name: "drops what a server sends under another address or MAC",
    run: async () => {
      const reach = ["socat", "-u", "-T2", `TCP:${web.address}:7000,connect-timeout=1`, "-"];
      await two().run(client, "ip", "address", "add", "10.200.0.99/16", "dev", "eth0");
      await rejects(
        two().run(
          client,
          "sh",
          "-c",
          `${reach.join(" ").replace("connect-timeout=1", "connect-timeout=1,bind=10.200.0.99")} | grep -q .`,
        ),
      );
      await two().run(client, "ip", "address", "del", "10.200.0.99/16", "dev", "eth0");
      await two().run(client, "ip", "link", "set", "eth0", "address", "02:00:00:00:00:99");
      await rejects(two().run(client, ...reach));
      await two().run(client, "ip", "link", "set", "eth0", "address", client.macAddress);
    },
  },
  {
    name: "answers nobody while it is detached",
    run: async () => {
      await one().ask({ do: "detach", port: web });
      await rejects(two().run(client, ...connect));
      await one().ask({ do: "attach", port: web });
    },
  },
  {
    name: "is reached on its new host at once, before any map says so",
    run: async () => {
      await two().ask({ do: "create", port: { ...web, uid: "web-moved" } });
      await two().run({ ...web, uid: "web-moved" }, ...serve);
      await one().ask({ do: "detach", port: web });
      await two().ask({ do: "attach", port: { ...web, uid: "web-moved" } });
      match(
        (await two().run(client, "sh", "-c", `socat -u -T3 TCP:${web.address}:7000,connect-timeout=2 - | wc -c`))
          .stdout,
        new RegExp(`^${payloadBytes}$`, "m"),
      );
      // And back, where the announcement has to cross the overlay.
      await two().ask({ do: "detach", port: { ...web, uid: "web-moved" } });
      await one().ask({ do: "attach", port: web });
      match(
        (await two().run(client, "sh", "-c", `socat -u -T3 TCP:${web.address}:7000,connect-timeout=2 - | wc -c`))
          .stdout,
        new RegExp(`^${payloadBytes}$`, "m"),
      );
    },
  },
  {
    name: "leaves no port behind",
    run: async () => {
      await one().ask({ do: "remove", port: web });
      await two().ask({ do: "remove", port: client });
      await two().ask({ do: "remove", port: { ...web, uid: "web-moved" } });
      for (const host of hosts)
        await host.ask({
          do: "run-here",
          command: ["sh", "-c", "! ip -br link | grep ^vs && ! nft list ruleset | grep -E 'chain vs|\"vs[0-9a-f]'"],
        });
    },
  },
];

if (import.meta.main) {
  await mountRun();
  hosts.push(...addresses.map((address, index) => new Host(`host-${index + 1}`, address)));
  await Promise.all(hosts.map(({ ready }) => ready));
  await runProgram([
    "ip",
    "link",
    "add",
    "under0",
    "netns",
    String(one().pid),
    "type",
    "veth",
    "peer",
    "name",
    "under0",
    "netns",
    String(two().pid),
  ]);
  await runBoxChecks(checks);
  for (const host of hosts) host.end();
}
