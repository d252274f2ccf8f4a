import { expect, test } from "vitest";
import { configState } from "./kernel-config.ts";
import { isMet } from "./requirement.ts";

const config = "CONFIG_VETH=m\nCONFIG_BRIDGE=y\n# CONFIG_VXLAN is not set\n";

test("reads how the kernel has a feature", () => {
  expect(configState(config, "CONFIG_VETH")).toBe("module");
  expect(configState(config, "CONFIG_BRIDGE")).toBe("built-in");
  expect(configState(config, "CONFIG_VXLAN")).toBe("absent");
  expect(configState(undefined, "CONFIG_VXLAN")).toBe("unknown");
});

test("believes the attempt first, then the configuration, and does not hold against a machine what nothing tells", () => {
  const requirement = { name: "probe", purpose: "", hint: "", option: "CONFIG_VXLAN" };
  expect(isMet({ ...requirement, attempt: () => true }, config)).toBe(true);
  expect(isMet({ ...requirement, attempt: () => false }, undefined)).toBe(false);
  expect(isMet({ ...requirement, attempt: () => undefined }, config)).toBe(false);
  expect(isMet({ ...requirement, attempt: () => undefined }, undefined)).toBe(true);
});
