import { expect, it } from "vitest";
import { findKernelPackage } from "./guest-system.ts";

it("finds the kernel that the distribution's name for it stands for", () => {
  const printed = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n";
  expect(findKernelPackage(printed)).toBe("linux-image-6.1.0-56-cloud-amd64");
  expect(findKernelPackage("")).toBeUndefined();
});
