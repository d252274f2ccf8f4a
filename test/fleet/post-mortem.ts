import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.ts";

const lastLines = 12;
const lineLength = 400;
const warning = 40;

interface HostStatus {
  host: string;
  power: string;
  ready?: boolean;
  logs: string;
}

/** How a lab's hosts are, for whoever can't look at them any more: what runs there, what each program complained of and said last. */
export function postMortem(name: string): string {
  const { hosts } = JSON.parse(lab("status", "--name", name, "--json")) as { hosts: HostStatus[] };
  return hosts.map((status) => hostReport(name, status)).join("\n");
}

function hostReport(name: string, { host, power, ready, logs }: HostStatus): string {
  const isWell = power === "on" && ready !== false;
  const processes = isWell ? "" : lab("exec", "--name", name, host, "--", "ps", "-eo", "pid,ppid,stat,wchan:24,args");
  const printed = readdirSync(logs).map((file) => `-- ${file}\n${telling(readFileSync(join(logs, file), "utf8"))}`);
  return `\n== ${host}: power ${power}${isWell ? "" : ", NOT READY"}\n${cut(processes.split("\n"))}\n${printed.join("\n")}\n`;
}

/** Lines of a program's log that say what went wrong, those before each of its ends, and its last ones. */
function telling(log: string): string {
  const lines = log.trimEnd().split("\n");
  const ends = lines.flatMap((line, index) => (line.startsWith("lab:") ? [index] : [lines.length - 1]));
  const isTelling = (line: string, index: number) =>
    isComplaint(line) || ends.some((end) => index <= end && index > end - lastLines);
  return cut(lines.filter(isTelling));
}

function isComplaint(line: string): boolean {
  return Number(/^{"level":(\d+)/.exec(line)?.[1] ?? 0) >= warning;
}

function cut(lines: readonly string[]): string {
  return lines.map((line) => line.slice(0, lineLength)).join("\n");
}

function lab(...args: string[]): string {
  try {
    return execFileSync(process.execPath, ["deploy/lab/main.ts", ...args], { cwd: root, encoding: "utf8" });
  } catch (thrown) {
    return String(thrown);
  }
}
