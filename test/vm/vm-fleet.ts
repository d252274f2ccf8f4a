import type { Image, MigrationMode } from "@vfleet/shared";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";
import { makeSmallRoot } from "./small-root.ts";

export const vmLab = "vm-test";
/** Of what an emulated host does: about ten times what a real one needs. */
export const slowMs = 240_000;
const image = "small-redis";
const redisCommand = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", "/srv"];

/** The fleet of virtual machines, with an image that unpacks in seconds even there. */
export async function openVmFleet(): Promise<Fleet> {
  const fleet = await Fleet.open(vmLab);
  const existing = (await fleet.list<Image>("images")).find(({ metadata }) => metadata.name === image);
  if (existing === undefined) {
    const [node] = await fleet.nodes();
    if (node === undefined) throw new Error("the lab has no hosts");
    // A folder that host and machine both see.
    const tarFile = `${fleet.labFolder}/${node.metadata.name}/root.tar`;
    await makeSmallRoot(tarFile);
    await fleet.does("image", "import", image, "--tar", tarFile, "--node", node.metadata.name);
  }
  return fleet;
}

/** A redis that answers; gives where it is. */
export async function haveSmallRedis(fleet: Fleet, name: string): Promise<{ node: string; address: string }> {
  await fleet.does("run", name, "--image", image, "--memory", "256Mi", "--", ...redisCommand);
  const { nodeName: node = "", address = "" } = await fleet.runningStatus(name);
  await until(`${name} to answer`, slowMs, async () => {
    const pong = await fleet.exec("client", "redis-cli", "-h", address, "ping");
    return pong.stdout.trim() === "PONG" ? true : undefined;
  });
  return { node, address };
}

/** `vctl migrate` options of a mode, with as much time as emulated hosts may need. */
export function moveOptions(mode: MigrationMode): readonly string[] {
  const patience = ["--completion-timeout", "15m", "--progress-timeout", "10m"];
  return ["--mode", mode, ...patience, ...(mode === "Postcopy" || mode === "Hybrid" ? ["--allow-post-copy"] : [])];
}
