import { mkdirSync, writeFileSync } from "node:fs";
import { readIfThere } from "./machine.ts";
import type { Report } from "./report.ts";

interface SysctlChoice {
  readonly key: string;
  readonly value: number;
  /** `exact`: any other value is wrong. `minimum`: a larger one that the machine has is kept. */
  readonly rule: "exact" | "minimum";
  readonly why: string;
}

const sysctlFile = "/etc/sysctl.d/60-vfleet.conf";

const sysctls: readonly SysctlChoice[] = [
  {
    key: "fs.pipe-user-pages-soft",
    value: 0,
    rule: "exact",
    why: "a dump with lazy pages holds all memory in pipes (0 is no limit)",
  },
  { key: "fs.pipe-max-size", value: 16 * 1024 * 1024, rule: "minimum", why: "fewer and larger pipes for the same" },
  {
    key: "vm.unprivileged_userfaultfd",
    value: 1,
    rule: "exact",
    why: "a lazy restore in a user namespace; servers are denied it by seccomp",
  },
  {
    key: "vm.overcommit_memory",
    value: 1,
    rule: "exact",
    why: "a restore maps with access what a server has reserved without; memory is bounded by each server's limit",
  },
  {
    key: "fs.inotify.max_user_instances",
    value: 8192,
    rule: "minimum",
    why: "every server's init watches files; all share the limit of its user",
  },
  { key: "fs.inotify.max_user_watches", value: 1_048_576, rule: "minimum", why: "the same" },
  { key: "kernel.keys.maxkeys", value: 20_000, rule: "minimum", why: "each container gets a session keyring" },
  {
    key: "net.ipv4.neigh.default.gc_thresh1",
    value: 4096,
    rule: "minimum",
    why: "neighbours of all servers of the fleet; shared by all network namespaces",
  },
  { key: "net.ipv4.neigh.default.gc_thresh2", value: 8192, rule: "minimum", why: "the same" },
  { key: "net.ipv4.neigh.default.gc_thresh3", value: 16_384, rule: "minimum", why: "the same" },
];

export interface SysctlState extends SysctlChoice {
  /** Undefined where the kernel has no such setting. */
  readonly current: number | undefined;
}

function readSysctls(choices: readonly SysctlChoice[] = sysctls): readonly SysctlState[] {
  return choices.map((choice) => {
    const text = readIfThere(procPath(choice.key));
    return { ...choice, current: text === undefined ? undefined : Number.parseInt(text, 10) };
  });
}

export function meets({ current, value, rule }: SysctlState): boolean {
  if (current === undefined) return true;
  return rule === "exact" ? current === value : current >= value;
}

/** sysctl.d(5). Never lowers what the machine has now. */
export function sysctlFileText(states: readonly SysctlState[]): string {
  const lines = states
    .filter(({ current }) => current !== undefined)
    .map((state) => `# ${state.why}\n${state.key} = ${wantedValue(state)}\n`);
  return `# Written by vfleet's installer: docs/install.md\n\n${lines.join("\n")}`;
}

function wantedValue({ current, value, rule }: SysctlState): number {
  return rule === "minimum" ? Math.max(current ?? 0, value) : value;
}

export function applySysctls(report: Report, checkOnly: boolean): void {
  const states = readSysctls();
  const unmet = states.filter((state) => !meets(state));
  const file = readIfThere(sysctlFile);
  const isFileComplete =
    file !== undefined && states.every(({ key, current }) => current === undefined || file.includes(`${key} = `));
  if (unmet.length === 0 && isFileComplete) {
    report.add({ name: "sysctl", state: "ok", detail: `${states.length} settings as in ${sysctlFile}` });
    return;
  }
  if (checkOnly) {
    const named = unmet.map((state) => `${state.key} is ${state.current}, should be ${wantedValue(state)}`);
    report.add({
      name: "sysctl",
      state: "missing",
      detail: named.join("; ") || `${sysctlFile} is missing or incomplete`,
    });
    return;
  }
  mkdirSync("/etc/sysctl.d", { recursive: true });
  writeFileSync(sysctlFile, sysctlFileText(states));
  for (const state of unmet) setSysctl(state, report);
  report.add({
    name: "sysctl",
    state: "changed",
    detail: `wrote ${sysctlFile}, set ${unmet.map(({ key }) => key).join(" ") || "nothing, as all were so"}`,
  });
}

function setSysctl(state: SysctlState, report: Report): void {
  try {
    writeFileSync(procPath(state.key), `${wantedValue(state)}\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    report.add({
      name: state.key,
      state: "failed",
      detail: `cannot be set to ${wantedValue(state)}: ${reason}`,
      hint: "Set it on the host that this machine is a guest of",
    });
  }
}

function procPath(key: string): string {
  return `/proc/sys/${key.replaceAll(".", "/")}`;
}
