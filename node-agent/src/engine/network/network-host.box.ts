/**
 * One host of the network checks: a process in a network namespace of its own, told by messages what to do. Its servers
 * are processes in network namespaces of theirs, which is all that the network driver knows of a container.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { agentConfigSchema, systemEnvironment } from "@vfleet/shared";
import { runProgram } from "../program/run-program.ts";
import { BridgeNetworkDriver } from "./bridge-network-driver.ts";
import type { HostRequest } from "./network-host-order.ts";

const [node = "", address = ""] = process.argv.slice(2);
const unused = { ca: "/none", certificate: "/none", key: "/none" };
const config = agentConfigSchema.parse({
  node,
  nats: { servers: ["none"], nkeySeedFile: "/none", tls: unused },
  tls: unused,
  underlay: { address, link: "under0" },
});
const driver = new BridgeNetworkDriver(config, systemEnvironment);
const servers = new Map<string, number>();

process.on("message", (request: HostRequest) => {
  handle(request).then(
    (result) => process.send?.({ id: request.id, result }),
    (thrown: unknown) => process.send?.({ id: request.id, failure: String(thrown) }),
  );
});
process.send?.({ id: 0, result: process.pid });

async function handle(request: HostRequest): Promise<unknown> {
  switch (request.do) {
    case "open":
      await runProgram(["ip", "address", "add", `${address}/24`, "dev", "under0"]);
      await runProgram(["ip", "link", "set", "under0", "up"]);
      return driver.open();
    case "map":
      return driver.applyMap(request.map);
    case "create": {
      const server = spawn("unshare", ["--net", "sh", "-c", "echo; exec sleep 600"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(server.stdout, "data");
      const pid = server.pid ?? 0;
      servers.set(request.port.uid, pid);
      await driver.prepare(request.port);
      return runProgram(driver.hook(request.port), {
        input: JSON.stringify({ ociVersion: "1.0.2", id: request.port.uid, pid, bundle: "/" }),
      });
    }
    case "attach":
      await driver.attach(request.port);
      return driver.announce(request.port);
    case "detach":
      return driver.detach(request.port);
    case "remove":
      await driver.remove(request.port);
      process.kill(servers.get(request.port.uid) ?? 0, "SIGKILL");
      return undefined;
    case "run":
      return runProgram(["nsenter", `--net=/proc/${servers.get(request.uid) ?? 0}/ns/net`, ...request.command], {
        timeoutMs: 10_000,
      });
    case "run-here":
      return runProgram(request.command, { timeoutMs: 10_000 });
    default:
      throw new Error("An order that no host knows");
  }
}
