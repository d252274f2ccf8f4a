import type { Image, MigrationMode } from "@vfleet/shared";
import { installedPaths } from "../../deploy/install/where.ts";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";
import { databaseFolder, databaseUser, makeDatabaseRoot, makeRedisRoot } from "./small-root.ts";

export const vmLab = "vm-test";
/** Of what an emulated host does: about ten times what a real one needs. */
export const slowMs = 240_000;
const redisImage = "small-redis";
const databaseImage = "small-postgres";
const redisCommand = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", "/srv"];

/** The fleet of virtual machines. */
export function openVmFleet(): Promise<Fleet> {
  return Fleet.open(vmLab);
}

/** Images that unpack in seconds even there. */
async function haveImage(fleet: Fleet, image: string, make: (tarFile: string) => Promise<void>): Promise<void> {
  const existing = (await fleet.list<Image>("images")).find(({ metadata }) => metadata.name === image);
  if (existing !== undefined) return;
  const [node] = await fleet.nodes();
  if (node === undefined) throw new Error("the lab has no hosts");
  // A folder that host and machine both see.
  const tarFile = `${fleet.labFolder}/${node.metadata.name}/${image}.tar`;
  await make(tarFile);
  await fleet.does("image", "import", image, "--tar", tarFile, "--node", node.metadata.name);
}

/** A redis that answers; gives where it is. */
export async function haveSmallRedis(
  fleet: Fleet,
  name: string,
  memoryMiB = 256,
): Promise<{ node: string; address: string }> {
  await haveImage(fleet, redisImage, makeRedisRoot);
  await fleet.does("run", name, "--image", redisImage, "--memory", `${memoryMiB}Mi`, "--", ...redisCommand);
  const { nodeName: node = "", address = "" } = await fleet.runningStatus(name);
  await until(`${name} to answer`, slowMs, async () => {
    const pong = await fleet.exec("client", "redis-cli", "-h", address, "ping");
    return pong.stdout.trim() === "PONG" ? true : undefined;
  });
  return { node, address };
}

/** A PostgreSQL that answers, filled for pgbench. */
export async function haveSmallDatabase(fleet: Fleet, name: string): Promise<{ node: string; address: string }> {
  await haveImage(fleet, databaseImage, makeDatabaseRoot);
  const start = `exec su ${databaseUser.name} -c 'exec /usr/lib/postgresql/*/bin/postgres -D ${databaseFolder}'`;
  await fleet.does("run", name, "--image", databaseImage, "--memory", "256Mi", "--", "sh", "-c", start);
  const { nodeName: node = "", address = "" } = await fleet.runningStatus(name);
  await until(`${name} to answer`, slowMs, async () => {
    const filled = await pgbench(fleet, address, "--initialize", "--scale", "1", "--quiet");
    return filled.code === 0 ? true : undefined;
  });
  return { node, address };
}

export function pgbench(fleet: Fleet, address: string, ...args: string[]): ReturnType<Fleet["exec"]> {
  const program = `${installedPaths().binFolder}/pgbench`;
  return fleet.exec("client", program, "-h", address, "-U", databaseUser.name, ...args, "postgres");
}

/** `vctl migrate` options of a mode, with as much time as emulated hosts may need. */
export function moveOptions(mode: MigrationMode): readonly string[] {
  const patience = ["--completion-timeout", "15m", "--progress-timeout", "10m"];
  return ["--mode", mode, ...patience, ...(mode === "Postcopy" || mode === "Hybrid" ? ["--allow-post-copy"] : [])];
}
