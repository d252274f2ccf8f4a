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
  expect(() => requireCompatible(host, host)).not.toThrow();
  expect(() => requireCompatible(host, { ...host, kernel: "6.1", cpuFlags: ["aes", "avx2", "sse2"] })).not.toThrow();
});

it.each([
  [{ criu: "4.1.1" }, /criu.*4\.2\.1.*4\.1\.1/],
  [{ runc: "1.2" }, /runc/],
  [{ cgroup: "v2" as const }, /cgroup/],
  [{ cpuFlags: ["sse2"] }, /CPU features.*aes/],
])("refuses %o and says what differs", (change, message) => {
  expect(() => requireCompatible(host, { ...host, ...change })).toThrow(message);
});
