import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet, image } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

const manifest = (name: string, spec: object) => ({
  apiVersion: "vfleet.dev/v1",
  kind: "VirtualServer",
  metadata: { name },
  spec,
});

describe("bad input", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
    await fleet.haveRedis("cache");
  });
  afterAll(async () => {
    for (const name of ["cache", "waits", "big", "picky"]) await fleet.remove(name);
    await fleet.openAllNodes();
  });

  async function pendingReason(name: string): Promise<string> {
    return until(`${name} to say why it waits`, 10_000, async () => {
      const { status } = await fleet.server(name);
      return status?.phase === "Pending" && status.reason !== undefined
        ? `${status.reason}: ${status.message ?? ""}`
        : undefined;
    });
  }

  test("an unknown image is a visible reason, and the server starts once nothing is missing", async () => {
    expect((await fleet.apply(manifest("waits", { image: "no-such-image" }))).code).toBe(0);
    expect(await pendingReason("waits")).toMatch(/ImageNotFound: .*no-such-image/);
  });

  test("a server that fits nowhere says so, per filter, with counts", async () => {
    await fleet.apply(
      manifest("big", {
        image,
        command: ["sleep", "1"],
        resources: { requests: { memory: "900Gi" }, limits: { memory: "900Gi" } },
      }),
    );
    expect(await pendingReason("big")).toMatch(/Unschedulable: .*0\/3.*3.*memory/);
    await fleet.apply(
      manifest("picky", { image, command: ["sleep", "1"], placement: { nodeSelector: { disk: "fast" } } }),
    );
    expect(await pendingReason("picky")).toMatch(/Unschedulable: .*0\/3.*label disk=fast/);
  });

  test("a second server of a name is refused, and the first is left alone", async () => {
    const again = await fleet.vctl("run", "cache", "--image", image);
    expect(again.code).not.toBe(0);
    expect(again.stderr).toMatch(/already exists/);
    expect((await fleet.server("cache")).status?.phase).toBe("Running");
  });

  test.each([
    ["a bad quantity", { resources: { limits: { memory: "lots" } } }, /spec\.resources\.limits\.memory.*lots/],
    ["an unknown member", { privileged: true }, /privileged/],
    ["a request above its limit", { resources: { requests: { memory: "2Gi" }, limits: { memory: "1Gi" } } }, /request/],
    ["an address outside the fleet's range", { network: { address: "192.168.1.1" } }, /192\.168\.1\.1/],
  ])("%s is refused by name", async (_what, spec, named) => {
    const refused = await fleet.apply(manifest("odd", { image, ...spec }));
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(named);
    expect((await fleet.vctl("get", "virtualserver", "odd")).stderr).toContain("not found");
  });

  test.each([
    ["an unknown server", ["migrate", "nobody"], /nobody/],
    ["an unknown node", ["migrate", "cache", "--to", "host-9"], /host-9/],
    ["drain of an unknown node", ["drain", "host-9"], /host-9/],
    ["cordon of an unknown node", ["cordon", "host-9"], /host-9/],
    ["a mode that does not exist", ["migrate", "cache", "--mode", "Teleport"], /Teleport/],
  ])("%s is refused by name", async (_what, args, named) => {
    const refused = await fleet.vctl(...args);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(named);
  });

  test("a migration to the host it is on is refused", async () => {
    const { status } = await fleet.server("cache");
    const refused = await fleet.vctl("migrate", "cache", "--to", status?.nodeName ?? "");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(status?.nodeName);
  });

  test("a second migration of the same server is refused while the first goes on", async () => {
    const { status } = await fleet.server("cache");
    const target = await fleet.otherNode(status?.nodeName ?? "");
    await fleet.does("migrate", "cache", "--to", target, "--detach");
    const second = await fleet.vctl("migrate", "cache");
    expect(second.code).not.toBe(0);
    expect(second.stderr).toMatch(/of it has not ended/);
    await until("the first to succeed", 60_000, async () =>
      (await fleet.server("cache")).status?.nodeName === target ? true : undefined,
    );
  });

  test("a drain with nowhere to go says which servers and why, and changes nothing but the cordon", async () => {
    const before = (await fleet.server("cache")).status;
    const node = before?.nodeName ?? "";
    for (const other of await fleet.nodes())
      if (other.metadata.name !== node) await fleet.does("cordon", other.metadata.name);
    const blocked = await fleet.vctl("drain", node);
    expect(blocked.code).toBe(1);
    expect(`${blocked.stdout}${blocked.stderr}`).toMatch(/cache/);
    expect(`${blocked.stdout}${blocked.stderr}`).toMatch(/cordoned/);
    const after = (await fleet.server("cache")).status;
    expect(after).toMatchObject({ nodeName: node, epoch: before?.epoch, phase: "Running" });
    expect((await fleet.nodes()).find((found) => found.metadata.name === node)?.spec.unschedulable).toBe(true);
  });
});
