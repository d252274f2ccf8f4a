import { describe, expect, it } from "vitest";
import { assignmentForTests } from "../../reconcile/assignment.fixture.ts";
import { bundleConfiguration, stopSignalAnnotation } from "./bundle-configuration.ts";

const options = {
  rootFolder: "/run/vfleet/containers/u/root",
  cgroupsPath: "/vfleet/u",
  criuConfigPath: "/run/vfleet/containers/u/criu.conf",
  networkHook: ["/bin/sh", "hook", "vs0"],
  searchPath: "/bin",
};
const configuration = bundleConfiguration({
  ...options,
  server: assignmentForTests({ environment: { PATH: "/opt/bin", A: "b" } }),
});

describe("a server's bundle", () => {
  it("maps the server's own block of ids and nothing else", () => {
    const mapping = [{ containerID: 0, hostID: 1_000_000_000, size: 65_536 }];
    expect(configuration.linux.uidMappings).toEqual(mapping);
    expect(configuration.linux.gidMappings).toEqual(mapping);
  });

  it("makes every namespace anew", () => {
    expect(configuration.linux.namespaces.map(({ type }) => type).toSorted()).toEqual([
      "cgroup",
      "ipc",
      "mount",
      "network",
      "pid",
      "user",
      "uts",
    ]);
    for (const namespace of configuration.linux.namespaces) expect(namespace).not.toHaveProperty("path");
  });

  it("always names CRIU's configuration file itself", () => {
    expect(configuration.annotations).toMatchObject({ "org.criu.config": "/run/vfleet/containers/u/criu.conf" });
  });

  it("mounts nothing of the host", () => {
    for (const mount of configuration.mounts) expect(mount.options).not.toContain("bind");
  });

  it("denies devices before it allows any", () => {
    expect(configuration.linux.resources.devices[0]).toEqual({ allow: false, access: "rwm" });
    expect(configuration.linux.resources.devices.slice(1).every((rule) => "type" in rule && rule.type === "c")).toBe(
      true,
    );
  });

  it("raises no rlimit", () => {
    expect(configuration.process).not.toHaveProperty("rlimits");
  });

  it("lets the server change its environment", () => {
    expect(configuration.process.env).toContain("PATH=/opt/bin");
    expect(configuration.process.env).toContain("A=b");
    expect(configuration.process.env).toContain("container=vfleet");
  });

  it("limits CPU, memory and processes", () => {
    expect(configuration.linux.resources).toMatchObject({
      cpu: { shares: 256, quota: 150_000, period: 100_000 },
      memory: { limit: 256 << 20 },
      pids: { limit: 64 },
    });
  });
});

describe("the bundle of a server with systemd", () => {
  const systemd = bundleConfiguration({ ...options, server: assignmentForTests({ isolation: "Systemd" }) });

  it("mounts what systemd wants, and nothing of the host", () => {
    const mounted = systemd.mounts.map(({ destination }) => destination);
    expect(mounted).toEqual(expect.arrayContaining(["/run", "/run/lock", "/tmp", "/sys/fs/cgroup"]));
    for (const mount of systemd.mounts) expect(mount.options).not.toContain("bind");
  });

  it("has the same user namespace, masks and limits", () => {
    const { seccomp: _ours, ...ours } = systemd.linux;
    const { seccomp: _theirs, ...theirs } = configuration.linux;
    expect(ours).toEqual(theirs);
  });

  it("is asked to halt, others to end", () => {
    expect(systemd.annotations[stopSignalAnnotation]).toBe("37");
    expect(configuration.annotations[stopSignalAnnotation]).toBe("15");
  });
});
