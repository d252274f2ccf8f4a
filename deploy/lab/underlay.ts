import { underlayAddress, underlayMac, underlayPrefixLength } from "./address.ts";
import { mustRun, run } from "./run.ts";

const bridge = "underlay0";
/** The bridge's own, where there are virtual machines: commands reach them from there, whatever is cut off. */
const anchorAddress = "10.99.0.1";
/** Link of every box on the underlay, inside the box. */
export const underlayLink = "eth0";

/** ip(8) batch for the anchor's network namespace. */
export function bridgeCommands(): string {
  return lines(
    "link set lo up",
    `link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`,
    `link set ${bridge} up`,
  );
}

/** ip(8) batch for the anchor's network namespace: a cable from the bridge into a box. */
export function cableCommands(host: string, boxPid: number): string {
  return lines(
    `link add ${host} type veth peer name ${underlayLink} address ${underlayMac(host)} netns ${boxPid}`,
    `link set ${host} master ${bridge} up`,
  );
}

/** ip(8) batch for a box's network namespace. */
export function boxLinkCommands(host: string): string {
  return lines(
    "link set lo up",
    `addr add ${underlayAddress(host)}/${underlayPrefixLength} dev ${underlayLink}`,
    `link set ${underlayLink} up`,
  );
}

/** Runs an ip(8) batch in a process's network namespace; all else stays the machine's, where process ids mean what we mean. */
export async function ipBatch(pid: number, commands: string): Promise<void> {
  await mustRun(["nsenter", "--target", String(pid), "--net", "--", "ip", "-batch", "-"], commands);
}

export async function connectBox({
  host,
  anchorPid,
  boxPid,
}: {
  host: string;
  anchorPid: number;
  boxPid: number;
}): Promise<void> {
  // A box that just died may have left its cable: the kernel takes network namespaces down a little later.
  await run(["nsenter", "--target", String(anchorPid), "--net", "--", "ip", "link", "delete", host]);
  await ipBatch(anchorPid, cableCommands(host, boxPid));
  await ipBatch(boxPid, boxLinkCommands(host));
}

/** ip(8) batch for the anchor's network namespace: a link that a virtual machine takes for its cable. */
export function tapCommands(host: string): string {
  return lines(
    `addr replace ${anchorAddress}/${underlayPrefixLength} dev ${bridge}`,
    `tuntap add dev ${host} mode tap`,
    `link set ${host} master ${bridge} up`,
  );
}

export async function connectTap(host: string, anchorPid: number): Promise<void> {
  await run(["nsenter", "--target", String(anchorPid), "--net", "--", "ip", "link", "delete", host]);
  await ipBatch(anchorPid, tapCommands(host));
}

function lines(...commands: string[]): string {
  return commands.map((command) => `${command}\n`).join("");
}
