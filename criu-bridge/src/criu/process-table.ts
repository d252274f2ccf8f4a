import { existsSync, readdirSync, readFileSync } from "node:fs";

/** With which a program was started; none where it has ended, whether or not anybody has asked how. */
export function argumentsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0").filter(Boolean);
}

/** The programs of a group, by the id of its first one, which may have ended. */
export function programsOfGroup(group: number): number[] {
  const all = existsSync("/proc") ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return all.filter((name) => groupOf(read(`/proc/${name}/stat`)) === group).map(Number);
}

/** The third field after the program's name, which may hold anything (proc(5), pgrp). */
function groupOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(")") + 1).split(" ")[3] ?? 0);
}

/** Programs end while they are looked at. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
