import { expect, it } from "vitest";
import { mountsBelow } from "./remove-tree.ts";

it("sees mounts at and below a folder, not beside it", () => {
  const mountinfo = [
    "1 0 0:1 / / rw - ext4 a rw",
    "2 1 0:2 / /lab/a rw - tmpfs b rw",
    "3 1 0:3 / /lab/a/b rw - tmpfs c rw",
    "4 1 0:4 / /lab/ab rw - tmpfs d rw",
  ].join("\n");
  expect(mountsBelow("/lab/a", mountinfo)).toEqual(["/lab/a", "/lab/a/b"]);
});
