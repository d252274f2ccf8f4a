import { readFile } from "node:fs/promises";

export interface LinkStatistics {
  receivedBytes: number;
  sentBytes: number;
}

/** Every link of this process' network namespace, from `/proc/net/dev` (proc(5)). */
export async function readLinkStatistics(): Promise<Map<string, LinkStatistics>> {
  return parseLinkStatistics(await readFile("/proc/net/dev", "utf8"));
}

export function parseLinkStatistics(text: string): Map<string, LinkStatistics> {
  const links = new Map<string, LinkStatistics>();
  for (const line of text.split("\n")) {
    const [name, values] = line.split(":");
    if (name === undefined || values === undefined) continue;
    const columns = values.trim().split(/\s+/).map(Number);
    links.set(name.trim(), { receivedBytes: columns[0] ?? 0, sentBytes: columns[8] ?? 0 });
  }
  return links;
}
