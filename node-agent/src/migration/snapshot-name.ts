import type { VolumeDriver } from "../engine/volume/volume-driver.ts";

type Side = "sent" | "received";

/** Snapshots of a move carry its operation, so that a later run of the agent finds them. */
export function snapshotName(operation: string, side: Side, number: number): string {
  return `${operation}.${side}.${number}`;
}

/** None: it isn't of a move. */
export function operationOf(name: string): string | undefined {
  return /^(?<operation>[A-Za-z0-9-]+)\.(?:sent|received)\.\d+$/.exec(name)?.groups?.["operation"];
}

export async function deleteSnapshots(volumes: VolumeDriver, operation: string, side: Side): Promise<void> {
  const prefix = `${operation}.${side}.`;
  for (const name of await volumes.listSnapshots()) {
    if (name.startsWith(prefix)) await volumes.deleteSnapshot(name);
  }
}
