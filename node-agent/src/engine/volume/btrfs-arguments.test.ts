import { expect, it } from "vitest";
import { parseReferredBytes } from "./btrfs-arguments.ts";

it("reads what a subvolume refers to", () => {
  expect(
    parseReferredBytes(
      "Qgroupid    Referenced    Exclusive   Path \n--------    ----------    ---------   ---- \n0/257            118784        16384   x\n",
    ),
  ).toBe(118_784);
  expect(parseReferredBytes("")).toBeUndefined();
});
