import { LabError } from "./lab-error.ts";
import { mustRun } from "./run.ts";

/** Packets from one host to another that are lost. */
export interface Cut {
  readonly from: string;
  readonly to: string;
}

export interface PartitionRequest {
  readonly hosts: readonly string[];
  /** None: from all the others. */
  readonly from: readonly string[];
  /** Only what `hosts` send is lost; they still hear. */
  readonly oneWay: boolean;
  /** Every box of the lab. */
  readonly all: readonly string[];
}

/** The pairs to cut. Hosts that are cut off together still reach each other. */
export function cutsOf({ hosts, from, oneWay, all }: PartitionRequest): readonly Cut[] {
  for (const host of [...hosts, ...from]) {
    if (!all.includes(host))
      throw new LabError("host-unknown", `the lab has no host "${host}"`, `Its hosts are ${all.join(", ")}`);
  }
  const others = from.length > 0 ? from : all.filter((host) => !hosts.includes(host));
  const both = others.find((host) => hosts.includes(host));
  if (both !== undefined)
    throw new LabError("partition-invalid", `"${both}" cannot be cut off from itself`, "Name other hosts after --from");
  const outward = hosts.flatMap((host) => others.map((other) => ({ from: host, to: other })));
  return oneWay ? outward : [...outward, ...outward.map((cut) => ({ from: cut.to, to: cut.from }))];
}

/** nftables rules of the underlay bridge; its ports are named after the hosts. Replaces what was there. */
export function cutRules(cuts: readonly Cut[]): string {
  const rules = cuts.map(({ from, to }) => `    iifname "${from}" oifname "${to}" drop\n`);
  const chain = `  chain forward {\n    type filter hook forward priority 0; policy accept;\n${rules.join("")}  }\n`;
  return `table bridge lab\ndelete table bridge lab\ntable bridge lab {\n${chain}}\n`;
}

export async function applyCuts(anchorPid: number, cuts: readonly Cut[]): Promise<void> {
  await mustRun(["nsenter", "--target", String(anchorPid), "--net", "--", "nft", "--file", "-"], cutRules(cuts));
}
