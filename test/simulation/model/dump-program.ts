import type { Host } from "./host.ts";

export type DumpEnd = "killed" | "refused" | "failed";

/** `runc checkpoint`: freezes, asks, dumps, asks, kills or thaws. Goes on when the agent ends. */
export async function dump(host: Host, { uid, key }: { uid: string; key: string }): Promise<DumpEnd> {
  host.programs.add(key);
  try {
    await host.pause(5);
    const container = host.containers.get(uid);
    if (container?.state !== "running") return "failed";
    container.state = "held";
    const thaw = () => {
      if (host.containers.get(uid) === container && container.state === "held") host.let(uid, container, "thawed");
    };
    if ((await host.gates.ask(key, "network-lock")) === "no") {
      thaw();
      return "refused";
    }
    await host.pause(20);
    host.dumps.set(key, { counter: container.counter });
    if ((await host.gates.ask(key, "post-dump")) === "no") {
      await host.pause(2);
      thaw();
      return "refused";
    }
    host.kill(uid);
    return "killed";
  } finally {
    host.programs.delete(key);
  }
}
