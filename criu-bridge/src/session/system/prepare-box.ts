import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { systemEnvironment } from "@vfleet/shared";
import { fillRoot, writeBundle } from "./bundle.ts";
import { makeCertificates } from "./certificates.ts";
import { hostFolders, network } from "./host-folders.ts";
import { runSync } from "./run.ts";

/** In the box: a bridge, each host's folders and volumes, and the first one's server on its volume. */
export function prepareBox(box: string, hosts: readonly string[]): void {
  mkdirSync(box, { recursive: true });
  runSync("mount", "-t", "tmpfs", "tmpfs", box);
  runSync("mount", "-t", "tmpfs", "tmpfs", "/run");
  runSync("ip", "link", "set", "lo", "up");
  // What a wire of no length needs; the machine's own choice may be one that paces.
  writeFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "reno");
  runSync("ip", "link", "add", network.bridge, "address", "02:76:66:00:00:01", "type", "bridge");
  runSync("ip", "address", "add", `${network.gatewayAddress}/${network.prefixLength}`, "dev", network.bridge);
  runSync("ip", "link", "set", network.bridge, "up");
  // The port that it has in a fleet: the kernel may take a second to see that a bridge without a port has one again.
  const overlay = ["type", "vxlan", "id", "1", "dstport", "4789", "local", "127.0.0.1"];
  runSync("ip", "link", "add", "overlay0", "master", network.bridge, "up", ...overlay);
  for (const host of hosts) {
    const folders = hostFolders(box, host);
    for (const folder of [folders.volumes, folders.run, folders.state, folders.failpoints])
      mkdirSync(folder, { recursive: true });
    makeCertificates(`${box}/ca`, folders.certificates, `node:${host}`);
    const image = `${folders.base}/volumes.img`;
    runSync("truncate", "-s", "1G", image);
    runSync("mkfs.btrfs", "-q", image);
    runSync("mount", "-o", "loop", image, folders.volumes);
    writeBundle(box, host, process.env["BOX_APPEND_ONLY"] === "yes");
  }
  const first = hostFolders(box, hosts[0] ?? "");
  runSync("btrfs", "subvolume", "create", first.live);
  fillRoot(first.live);
}

export async function untilServing(): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const served = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: network.serverAddress, port: network.port, timeout: 500 });
      const end = (serving: boolean) => {
        socket.destroy();
        resolve(serving);
      };
      socket
        .once("connect", () => socket.write("PING\r\n"))
        .once("data", (data) => end(data.toString().startsWith("+PONG")))
        .once("timeout", () => end(false))
        .once("error", () => end(false));
    });
    if (served) return;
    await systemEnvironment.sleep(50);
  }
  throw new Error("the server does not answer");
}
