import { isMigrationEnded, migrationKind, virtualServerKind, type VirtualServer } from "@vfleet/shared";
import type { FleetWorld } from "./fleet-world.ts";
import type { Host } from "./model/host.ts";

/** What is not as it should be once nothing is under way any more (I2, I6). */
export function unquiet(world: FleetWorld): string[] {
  const { store } = world;
  if (store === undefined) return ["no controller answers"];
  const servers = store.list(virtualServerKind).items;
  const complaints = servers.flatMap((server) => unwell(world, server));
  for (const migration of store.list(migrationKind).items)
    if (!isMigrationEnded(migration))
      complaints.push(`${migration.metadata.name} is ${JSON.stringify(migration.status ?? {})}`);
  const uids = new Set(servers.map(({ metadata }) => metadata.uid ?? ""));
  for (const host of world.hosts) complaints.push(...leftOn(world, host, uids));
  return complaints;
}

function unwell(world: FleetWorld, { metadata, spec, status }: VirtualServer): string[] {
  const { name, uid = "" } = metadata;
  if (metadata.deletionTimestamp !== undefined) return [`${name} is being deleted: ${status?.message ?? ""}`];
  const owner = world.checks.owner(uid);
  const there = world.hosts.filter((host) => host.containers.get(uid)?.state === "running").map((host) => host.name);
  const wanted = spec.runStrategy === "Running" ? [owner?.node] : [];
  const complaints: string[] = [];
  if (status?.phase !== spec.runStrategy)
    complaints.push(`${name} (${uid}) is ${status?.phase ?? "new"}, not ${spec.runStrategy}: ${status?.message ?? ""}`);
  if (there.join() !== wanted.join())
    complaints.push(`${name} (${uid}) runs on [${there.join()}], its owner is ${owner?.node ?? "nobody"}`);
  return complaints;
}

function leftOn(world: FleetWorld, host: Host, uids: ReadonlySet<string>): string[] {
  if (!host.isOn) return [`${host.name} is off`];
  const isHere = (uid: string) => uids.has(uid) && world.checks.owner(uid)?.node === host.name;
  const held = [...host.containers].filter(([, { state }]) => state === "held").map(([uid]) => uid);
  const left: [string, Iterable<string>][] = [
    ["container", [...host.containers.keys()].filter((uid) => !isHere(uid))],
    ["frozen", held],
    // One that couldn't be deleted stays until its server comes again.
    ["volume", host.hasFailed ? [] : [...host.volumes.keys()].filter((uid) => !isHere(uid))],
    ["port", [...host.ports.keys()].filter((uid) => !isHere(uid))],
    ["snapshot", host.snapshots.keys()],
    ["images", host.dumps.keys()],
    ["filling", host.fillings.keys()],
    ["program", host.programs],
    ["session", [...host.sessions].filter(([, { ended }]) => !ended).map(([key]) => key)],
    ["prepared", [...host.files.keys()].filter((file) => file.includes("/prepared-moves/"))],
    ["held by a move", [...host.files].filter(([, text]) => text.includes('"heldBy"')).map(([file]) => file)],
  ];
  return left.flatMap(([what, names]) => [...names].map((name) => `${host.name} has ${what} ${name}`));
}
