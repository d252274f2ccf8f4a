import { expect, it } from "vitest";
import type { HostVersions } from "@vfleet/shared";
import { requireCompatible } from "./host-compatibility.ts";

const host: HostVersions = {
  criu: "4.2.1",
  runc: "1.1.5",
  kernel: "6.18",
  architecture: "x64",
  cgroup: "v1",
  cpuFlags: ["aes", "sse2"],
  dirtyTracking: false,
};

it("lets a server go to a host like its own, or with more CPU features and another kernel", () => {
  const other = { ...host, kernel: "6.1", cpuFlags: ["aes", "avx2", "sse2"] };
  for (const target of [host, other]) expect(() => requireCompatible(host, target, "Precopy")).not.toThrow();
});

it.each([
  [{ criu: "4.1.1" }, /criu.*4\.2\.1.*4\.1\.1/],
  [{ runc: "1.2" }, /runc/],
  [{ cgroup: "v2" as const }, /cgroup/],
  [{ cpuFlags: ["sse2"] }, /CPU features.*aes/],
])("refuses %o and says what differs, unless the server is stopped for it", (change, message) => {
  expect(() => requireCompatible(host, { ...host, ...change }, "StopAndCopy")).toThrow(message);
  expect(() => requireCompatible(host, { ...host, ...change }, "Cold")).not.toThrow();
});

it("lets no program go to another architecture", () => {
  expect(() => requireCompatible(host, { ...host, architecture: "arm64" }, "Cold")).toThrow(/architecture.*x64.*arm64/);
});
