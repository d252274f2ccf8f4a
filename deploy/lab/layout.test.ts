import { expect, it } from "vitest";
import { hostLayout, labLayout } from "./layout.ts";

it("keeps sockets short enough for the kernel, with the longest name", () => {
  const lab = labLayout("a".repeat(24));
  expect(lab.packageSocket.length).toBeLessThan(108);
});

it.each(["", "..", "a/b", "Test", "-a", "a".repeat(25)])("refuses %j as a lab's name", (name) => {
  expect(() => labLayout(name)).toThrow("Cannot use this lab name");
});

it("keeps a box's own processes beside its servers' cgroups", () => {
  const host = hostLayout(labLayout("default"), "host-1");
  expect(host.systemCgroup).toBe("/vfleet-lab/default/host-1/system");
  expect(host.serversCgroup).toBe("/vfleet-lab/default/host-1/servers");
});
