import type { Readable } from "node:stream";
import type { Disk, NetworkDriver, RuntimeDriver, VolumeDriver } from "@vfleet/node-agent/simulation";
import type { Process } from "../kernel/process.ts";
import type { Host } from "./host.ts";

/** What a snapshot's stream carries here: nothing reads it but the receiving driver. */
interface SimulatedStream {
  counter: number;
}

function unmodelled(what: string): never {
  throw new Error(`${what} is not simulated`);
}

export function simulatedDisk(host: Host, agent: Process): Disk {
  return {
    names: (folder) =>
      host.work(agent, 1, () =>
        [...host.files.keys()]
          .filter((file) => file.startsWith(`${folder}/`))
          .map((file) => file.slice(folder.length + 1)),
      ),
    read: (file) => host.work(agent, 0.2, () => host.files.get(file)),
    write: (file, text) => host.work(agent, 3, () => void host.files.set(file, text)),
    remove: (file) => host.work(agent, 1, () => void host.files.delete(file)),
    makeFolder: () => host.work(agent, 0.2, () => undefined),
  };
}

export function simulatedVolumes(host: Host, agent: Process): VolumeDriver {
  const make = (name: string, counter: number) =>
    host.work(agent, 10, () => {
      if (host.volumes.has(name)) throw new Error("File exists");
      host.volumes.set(name, counter);
    });
  return {
    features: { quota: true, incrementalSend: true },
    open: () => Promise.resolve([]),
    draftImage: () => unmodelled("an image"),
    hasImage: (digest) => host.work(agent, 0.5, () => host.images.has(digest)),
    listImages: () => host.work(agent, 1, () => [...host.images]),
    sendImage: () => unmodelled("an image's stream"),
    receiveImage: () => unmodelled("an image's stream"),
    deleteImage: (digest) => host.work(agent, 1, () => void host.images.delete(digest)),
    imageLineage: () => Promise.resolve("lineage"),
    createVolume: (name) => make(name, 0),
    createVolumeFromSnapshot: async (name, { snapshot }) => {
      const counter = host.snapshots.get(snapshot);
      if (counter === undefined) throw new Error("No such file or directory");
      await make(name, counter);
    },
    hasVolume: (name) => host.work(agent, 0.5, () => host.volumes.has(name)),
    listVolumes: () => host.work(agent, 1, () => [...host.volumes.keys()]),
    volumeFolder: (name) => `/volumes/${name}`,
    limitVolume: () => host.work(agent, 1, () => undefined),
    volumeUsageBytes: () => Promise.resolve(1),
    deleteVolume: (name) => host.work(agent, 10, () => void host.volumes.delete(name)),
    takeSnapshot: (volume, snapshot) =>
      host.work(agent, 5, () => {
        const counter = host.volumes.get(volume);
        if (counter === undefined) throw new Error("No such file or directory");
        host.snapshots.set(snapshot, counter);
      }),
    sendSnapshot: (snapshot) => {
      const stream: SimulatedStream = { counter: host.snapshots.get(snapshot) ?? -1 };
      return stream as unknown as Readable; // see `SimulatedStream`
    },
    receiveSnapshot: (snapshot, stream) =>
      host.work(agent, 5, () => void host.snapshots.set(snapshot, (stream as unknown as SimulatedStream).counter)), // as above
    importSnapshot: () => unmodelled("a checkpoint's volume"),
    listSnapshots: () => host.work(agent, 1, () => [...host.snapshots.keys()]),
    deleteSnapshot: (snapshot) => host.work(agent, 3, () => void host.snapshots.delete(snapshot)),
  };
}

export function simulatedNetwork(host: Host, agent: Process): NetworkDriver {
  const attach = (uid: string, isAttached: boolean) => {
    const port = host.ports.get(uid);
    if (port !== undefined) port.isAttached = isAttached;
  };
  return {
    open: () => Promise.resolve(),
    applyMap: () => host.work(agent, 2, () => undefined),
    prepare: ({ uid }) =>
      host.work(agent, 2, () => {
        if (!host.ports.has(uid)) host.ports.set(uid, { isAttached: false });
      }),
    hook: () => [],
    attach: ({ uid }) => host.work(agent, 2, () => attach(uid, true)),
    announce: () => Promise.resolve(),
    detach: ({ uid }) => host.work(agent, 1, () => attach(uid, false)),
    remove: ({ uid }) => host.work(agent, 2, () => void host.ports.delete(uid)),
    removeOthers: (uids) =>
      host.work(agent, 2, () => {
        const others = [...host.ports.keys()].filter((uid) => !uids.includes(uid));
        for (const uid of others) host.ports.delete(uid);
        return others;
      }),
    traffic: () => Promise.resolve(new Map()),
  };
}

export function simulatedRuntime(host: Host, agent: Process): RuntimeDriver {
  return {
    container: (uid) => ({ id: uid, runtimeRoot: "/runc", bundle: `/bundles/${uid}`, criuConfigPath: "/criu.conf" }),
    prepareBundle: () => host.work(agent, 2, () => undefined),
    create: (uid) =>
      host.work(agent, 20, () => {
        if (host.containers.has(uid)) throw new Error("container with given ID already exists");
        host.containers.set(uid, { state: "created", counter: -1 });
      }),
    start: (uid) =>
      host.work(agent, 5, () => {
        const container = host.containers.get(uid);
        if (container?.state !== "created") throw new Error("cannot start a container that is not made");
        container.counter = host.volumes.get(uid) ?? -1;
        host.let(uid, container, "started");
      }),
    restore: (uid, { imagesFolder }) => restore(host, agent, { uid, key: imagesFolder }),
    inspect: (uid) =>
      host.work(agent, 1, () => {
        const container = host.containers.get(uid);
        if (container === undefined) return { state: "none" };
        if (container.state === "exited") return { state: "exited", exitCode: 137 };
        return { state: container.state === "created" ? "created" : "running", pid: 1 };
      }),
    list: () => host.work(agent, 1, () => [...host.containers.keys()]),
    watchExits: (tell) => host.watchExits(agent, tell),
    stop: (uid) => host.work(agent, 50, () => host.kill(uid)),
    remove: (uid) => host.work(agent, 10, () => void host.containers.delete(uid)),
    updateLimits: () => host.work(agent, 2, () => undefined),
    exec: () => unmodelled("a command"),
  };
}

/** `runc restore`: goes on when the agent ends. */
function restore(host: Host, agent: Process, { uid, key }: { uid: string; key: string }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  void (async () => {
    host.programs.add(key);
    await host.pause(30);
    const dump = host.dumps.get(key);
    const container = { state: "held" as const, counter: dump?.counter ?? -1 };
    const verdict = dump === undefined || host.containers.has(uid) ? "no" : await begun();
    host.programs.delete(key);
    if (verdict === "no") {
      if (host.fillings.get(key) === "running") host.fillings.set(key, "failed");
      if (host.containers.get(uid) === container) host.containers.delete(uid);
      agent.after(0, () => reject(new Error("restoring was refused")));
      return;
    }
    // It may have been killed in the meantime.
    if (host.containers.get(uid) === container && container.state === "held") host.let(uid, container, "restored");
    agent.after(1, resolve);
    await host.pause(20);
    if (host.localFillings.delete(key) && host.fillings.get(key) === "running") host.fillings.set(key, "filled");

    function begun() {
      host.containers.set(uid, container);
      if (!host.ports.has(uid)) host.ports.set(uid, { isAttached: false });
      return host.gates.ask(key, "post-restore");
    }
  })();
  return promise;
}
