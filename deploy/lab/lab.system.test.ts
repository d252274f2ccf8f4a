import { execFile } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cgroupHierarchies } from "./cgroups.ts";
import { hostLayout, labLayout } from "./layout.ts";
import { run } from "./run.ts";

const main = `${import.meta.dirname}/main.ts`;
const [one, other] = ["test-one", "test-other"] as const;
const layout = labLayout(one);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function lab(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { encoding: "utf8" }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr });
    });
  });
}

function inHost(host: string, ...command: string[]): Promise<Ended> {
  return lab("exec", host, "--name", one, "--", ...command);
}

/** Whether a TCP connection to NATS can be made from a host. */
async function reachesNats(host: string): Promise<boolean> {
  return (await inHost(host, "socat", "-u", "/dev/null", "TCP:10.99.0.2:4222,connect-timeout=1")).code === 0;
}

/** What the machine would keep of a lab that doesn't clean up. */
async function traces(): Promise<object> {
  const links = await run(["ip", "-brief", "link"]);
  const loops = await run(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"]);
  const processes = readdirSync("/proc").filter(
    (name) => /^\d+$/.test(name) && commandLine(name).includes("/vfleet-lab/test-"),
  );
  return {
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes("vfleet")),
    links: links.stdout.split("\n").map((line) => line.split(" ")[0]),
    loops: loops.stdout.split("\n").filter((line) => line.includes("/vfleet-lab/test-")),
    cgroups: cgroupHierarchies().map(({ folder }) =>
      [one, other].filter((name) => existsSync(`${folder}/vfleet-lab/${name}`)),
    ),
    folders: [one, other].filter((name) => existsSync(labLayout(name).folder)),
    processes,
  };
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

describe("a lab", () => {
  let before: object;
  beforeAll(async () => {
    await lab("down", "--name", one);
    await lab("down", "--name", other);
    before = await traces();
    const started = await lab("up", "--name", one, "--hosts", "2", "--no-wait", "--json");
    if (started.code !== 0) throw new Error(started.stderr);
  });
  afterAll(async () => {
    await lab("down", "--name", one);
    await lab("down", "--name", other);
  });

  it("is started twice without a change", async () => {
    const pids = async () => {
      const { hosts } = JSON.parse((await lab("status", "--name", one, "--json")).stdout) as {
        hosts: { host: string; pid: number }[];
      };
      return hosts.map(({ host, pid }) => `${host} ${pid}`);
    };
    const first = await pids();
    expect((await lab("up", "--name", one, "--no-wait")).code).toBe(0);
    expect(await pids()).toEqual(first);
    expect(first).toHaveLength(4);
  });

  it("runs commands in a host with their streams and exit codes", async () => {
    expect(await inHost("host-1", "hostname")).toMatchObject({ code: 0, stdout: "host-1\n" });
    expect(await inHost("host-1", "sh", "-c", "pwd; ls /sys/class/net | tr '\\n' ' '; echo gone >&2; exit 7")).toEqual({
      code: 7,
      // Its own links and no other's; the agent may have made the overlay's by now.
      stdout: expect.stringMatching(/^\/\neth0 lo (vfleet0 (vx4200 )?)?$/),
      stderr: "gone\n",
    });
    expect((await inHost("host-1", "btrfs", "qgroup", "show", hostLayout(layout, "host-1").volumesFolder)).code).toBe(
      0,
    );
  });

  it("says in one sentence what is wrong, and what would help", async () => {
    expect(await inHost("host-9", "true")).toMatchObject({
      code: 1,
      stderr: 'lab: Cannot find the host: lab "test-one" has no host "host-9"\n  > lab status lists them\n',
    });
    expect((await lab("frobnicate")).code).toBe(2);
    expect(JSON.parse((await lab("env", "--name", "nowhere", "--json")).stdout)).toMatchObject({
      error: { code: "lab-unknown" },
    });
  });

  it("gives a node's identity its own subjects only", async () => {
    const probe = fileURLToPath(import.meta.resolve("./nats-probe.fixture.ts"));
    const asked = await inHost("host-1", process.execPath, probe, layout.pkiFolder, "host-1");
    expect(JSON.parse(asked.stdout || `"${asked.stderr}"`)).toEqual({
      ownReport: "ok",
      otherReport: "refused",
      jetStream: "refused",
      everything: "refused",
      commandReply: "ok",
    });
  });

  it("lets hosts fetch packages of the machine's apt sources and nothing else", async () => {
    const probe = fileURLToPath(import.meta.resolve("./proxy-probe.fixture.ts"));
    const fetch = (page: string) => inHost("host-1", process.execPath, probe, "http://10.99.0.2:3142", page);
    const [site] = (
      await run(["apt-get", "indextargets", "--format", "$(REPO_URI)dists/$(RELEASE)/InRelease"])
    ).stdout.split("\n");
    expect((await fetch(site ?? "")).stdout).toBe("200");
    expect((await fetch("http://example.org/")).stdout).toBe("403");
  });

  it("keeps the disk of a host through a power cut", async () => {
    const file = `${hostLayout(layout, "host-1").volumesFolder}/kept`;
    expect((await inHost("host-1", "sh", "-c", `echo safe >${file} && sync ${file}`)).code).toBe(0);
    const sleeping = inHost("host-1", "sleep", "60");
    expect((await lab("crash", "host-1", "--name", one)).code).toBe(0);
    expect((await sleeping).code).not.toBe(0);
    expect((await inHost("host-1", "true")).stderr).toContain('"host-1" is powered off');
    expect((await lab("boot", "host-1", "--name", one)).code).toBe(0);
    expect((await inHost("host-1", "cat", file)).stdout).toBe("safe\n");
  });

  it("cuts hosts off and heals them", async () => {
    expect(await reachesNats("host-1")).toBe(true);
    await lab("partition", "host-1", "--name", one);
    expect(await reachesNats("host-1")).toBe(false);
    expect(await reachesNats("host-2")).toBe(true);
    await lab("heal", "--name", one);
    expect(await reachesNats("host-1")).toBe(true);
  });

  it("stalls a host and lets it go on", async () => {
    const running = inHost("host-2", "sleep", "1");
    await lab("stall", "host-2", "--name", one);
    await lab("resume", "host-2", "--name", one);
    expect((await running).code).toBe(0);
  });

  it("starts a killed program again", async () => {
    const restarted = await lab("restart-program", "control", "redis", "--name", one);
    expect(restarted).toMatchObject({ code: 0, stdout: "redis on control runs again\n" });
  });

  it("stands beside another lab, and leaves nothing behind", async () => {
    expect(await lab("up", "--name", other, "--hosts", "1", "--no-wait")).toMatchObject({ code: 0 });
    expect((await lab("exec", "host-1", "--name", other, "--", "hostname")).stdout).toBe("host-1\n");
    expect(await lab("down", "--name", other)).toMatchObject({ code: 0, stderr: "" });
    expect(await inHost("host-1", "true")).toMatchObject({ code: 0 });
    expect(await lab("down", "--name", one)).toMatchObject({ code: 0, stderr: "" });
    expect(await traces()).toEqual(before);
  });
});
