import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet, image } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

describe("a virtual server", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
  });
  afterAll(() => fleet.remove("web"));

  test("is created, talks, and is deleted", async () => {
    await fleet.does(
      "run",
      "web",
      "--image",
      image,
      "--memory",
      "256Mi",
      "--",
      "sh",
      "-c",
      "echo hello from $(hostname); exec sleep infinity",
    );
    const server = await fleet.server("web");
    expect(server.status).toMatchObject({ phase: "Running", epoch: 1 });

    const inside = await fleet.vctl("exec", "web", "--", "sh", "-c", "id -u; hostname; echo problem >&2; exit 7");
    expect(inside).toEqual({ code: 7, stdout: "0\nweb\n", stderr: expect.stringContaining("problem") });
    expect(await fleet.does("logs", "web")).toBe("hello from web\n");

    await fleet.does("delete", "virtualserver", "web");
    expect((await fleet.vctl("get", "virtualserver", "web")).stderr).toContain("not found");
    const node = server.status?.nodeName ?? "";
    await until("its cgroup, volume and process to be gone", 10_000, async () => {
      const found = await fleet.exec(
        node,
        "sh",
        "-c",
        "btrfs subvolume list /var/lib/vfleet/volumes; runc --root /run/vfleet/runc list -q",
      );
      return found.stdout.includes(server.metadata.uid ?? "?") ? undefined : true;
    });
  });

  test("is isolated: host root is not in it, and its limits hold", async () => {
    await fleet.does("run", "web", "--image", image, "--memory", "128Mi", "--disk", "300Mi", "--", "sleep", "infinity");
    const ids = await fleet.does("exec", "web", "--", "cat", "/proc/self/uid_map");
    expect(Number(ids.trim().split(/\s+/)[1])).toBeGreaterThan(65_535);
    const memory = await fleet.vctl("exec", "web", "--", "sh", "-c", "head -c 300M /dev/zero | tail -c 290M | wc -c");
    expect(memory.stdout.trim()).not.toBe(String(290 * 1_048_576));
    const disk = await fleet.vctl(
      "exec",
      "web",
      "--",
      "sh",
      "-c",
      "head -c 600M /dev/urandom > /srv/big; sync; stat -c %s /srv/big",
    );
    expect(disk.stderr).toMatch(/quota|space/i);
    const processes = await fleet.vctl(
      "exec",
      "web",
      "--",
      "sh",
      "-c",
      "i=0; while [ $i -lt 700 ]; do sleep 20 & i=$((i+1)); done; echo all",
    );
    expect(processes.stdout).not.toContain("all");
    expect((await fleet.server("web")).status?.phase).toBe("Running");
    await fleet.does("delete", "virtualserver", "web");
  });
});
