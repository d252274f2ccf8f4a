import { describe, expect, it } from "vitest";
import { seccompProfile } from "./seccomp-profile.ts";

const profile = seccompProfile({ architecture: "x64" });
const rulesOf = (name: string) => profile.syscalls.filter(({ names }) => names.includes(name));

it.each([
  "userfaultfd",
  "keyctl",
  "add_key",
  "request_key",
  "kexec_load",
  "kexec_file_load",
  "bpf",
  "perf_event_open",
  "mount",
  "unshare",
  "setns",
  "init_module",
  "open_by_handle_at",
  "swapon",
  "reboot",
  "settimeofday",
])("denies %s", (name) => {
  expect(rulesOf(name)).toEqual([]);
});

it("answers clone3 and io_uring as a kernel without them", () => {
  for (const name of ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"]) {
    expect(rulesOf(name)).toEqual([expect.objectContaining({ action: "SCMP_ACT_ERRNO", errnoRet: 38 })]);
  }
});

it("opens no socket of the kernel's crypto interface or the hypervisor", () => {
  const families = rulesOf("socket").flatMap((rule) => ("args" in rule ? rule.args.map(({ value }) => value) : []));
  expect(families).toContain(2);
  expect(families).not.toContain(38);
  expect(families).not.toContain(40);
});

/** What seccomp does with alternatives of one masked comparison each. */
function isIoctlAllowed(request: number): boolean {
  return rulesOf("ioctl").some(
    (rule) =>
      "args" in rule && rule.args.every(({ value, valueTwo }) => (request & value) >>> 0 === (valueTwo ?? 0) >>> 0),
  );
}

it.each([
  ["a terminal's size", 0x5413, true],
  ["a socket's link", 0x8910, true],
  ["FICLONE", 0x40049409, true],
  ["FIDEDUPERANGE", 0xc0189436, true],
  ["btrfs: create a subvolume", 0x5000940e, false],
  ["btrfs: create a snapshot", 0x50009417, false],
  ["btrfs: quota", 0xc0109428, false],
])("ioctl: %s", (_what, request, allowed) => {
  expect(isIoctlAllowed(request)).toBe(allowed);
});

describe("with mounts", () => {
  const mounting = seccompProfile({ architecture: "x64", mayMount: true }).syscalls;
  const namespaces = { mount: 0x20000, cgroup: 0x2000000, uts: 0x4000000, ipc: 0x8000000, user: 0x10000000 };
  const others = { pid: 0x20000000, network: 0x40000000, time: 0x80 };

  it.each(["clone", "unshare"])("%s makes namespaces of mounts and no others", (name) => {
    const [rule] = mounting.filter(({ names }) => names.includes(name));
    const [condition] = rule !== undefined && "args" in rule ? rule.args : [];
    const wanted = { ...namespaces, ...others, ...(name === "clone" ? { time: 0x7e000000 } : {}) };
    const allowed = Object.entries(wanted).filter(([, flag]) => ((condition?.value ?? ~0) & flag) === 0);
    expect(allowed).toEqual([["mount", 0x20000]]);
  });

  it.each(["bpf", "keyctl", "userfaultfd", "open_by_handle_at", "reboot", "init_module"])("still denies %s", (name) => {
    expect(mounting.filter(({ names }) => names.includes(name))).toEqual([]);
  });
});
