import { expect, it } from "vitest";
import { parseHierarchies } from "./cgroups.ts";

it("finds the hierarchies of version 1, version 2 and both", () => {
  const mountinfo = [
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct",
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd",
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate",
  ].join("\n");
  expect(parseHierarchies(mountinfo)).toEqual([
    { version: 1, folder: "/sys/fs/cgroup/cpu,cpuacct", controllers: ["cpu", "cpuacct"] },
    { version: 1, folder: "/sys/fs/cgroup/systemd", controllers: ["name=systemd"] },
    { version: 2, folder: "/sys/fs/cgroup/unified", controllers: [] },
  ]);
});
