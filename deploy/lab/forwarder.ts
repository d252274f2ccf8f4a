import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { controlNames } from "./address.ts";
import { controllerSocket } from "./control-plane.ts";
import { readAlive } from "./identity.ts";
import { LabError } from "./lab-error.ts";
import { outsideIdentity } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { startOutside } from "./outside-program.ts";

/** Programs of a lab that run in the machine's own namespaces. */
export const outsidePrograms = ["api-forwarder", "package-proxy"] as const;

const firstPort = 16443;
const portsTried = 1000;

/** The API on 127.0.0.1: to the controller's Unix socket, so that the lab needs no link to the machine. */
export async function startApiForwarder(lab: LabLayout, port: number, controllers: number): Promise<void> {
  if (controllers > 1) {
    const targets = controlNames(controllers).map((host) => controllerSocket(lab, host));
    if (readAlive(outsideIdentity(lab, "api-forwarder")) === undefined) rmSync(lab.apiSocket, { force: true });
    const program = `${import.meta.dirname}/api-forwarder.ts`;
    await startOutside(lab, "api-forwarder", [process.execPath, program, String(port), lab.apiSocket, ...targets]);
    return;
  }
  await startOutside(lab, "api-forwarder", [
    "socat",
    `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`,
    `UNIX-CONNECT:${lab.apiSocket}`,
  ]);
}

/** Debian packages for image builds: see package-proxy.ts. */
export async function startPackageProxy(lab: LabLayout): Promise<void> {
  rmSync(lab.packageSocket, { force: true });
  await startOutside(lab, "package-proxy", [
    process.execPath,
    `${import.meta.dirname}/package-proxy.ts`,
    lab.packageSocket,
  ]);
}

/** The first port from 16443 on that nobody listens on, and no other lab has for its own. */
export async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let port = firstPort; port < firstPort + portsTried; port++) {
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new LabError(
    "start-failed",
    `no free port from ${firstPort} to ${firstPort + portsTried - 1} on 127.0.0.1`,
    "Take labs down that nobody needs: lab down --all",
  );
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
