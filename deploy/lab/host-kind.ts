import type { LabLayout } from "./layout.ts";
import type { BoxProgram } from "./program-file.ts";

/** How a host is made of the machine: a box of namespaces, or a virtual machine with a kernel of its own. */
export interface HostKind {
  /** Powers a host on, which is off. What it holds of the machine is in the host's cgroup, and its first process on record. */
  start(options: HostStart): Promise<void>;
  /**
   * Command line, for a process of the machine, that runs a command in a running host: with its standard streams,
   * signals and exit code. The command ends when the one that started it does.
   */
  command(lab: LabLayout, host: string, command: readonly string[]): readonly string[];
  /** The programs that run at this moment: process ids, as the host counts. */
  programPids(lab: LabLayout, host: string): Promise<ReadonlyMap<string, number>>;
  /** Stops everything in a host where it stands. */
  stall(lab: LabLayout, host: string): Promise<void>;
  resume(lab: LabLayout, host: string): Promise<void>;
}

export interface HostStart {
  readonly lab: LabLayout;
  readonly host: string;
  readonly programs: readonly BoxProgram[];
  readonly memoryBytes?: number;
  /** Of its virtual servers together; none: all that the machine has. */
  readonly milliCpu?: number;
  /** Runs once the host has its network, before its programs; given the machine's process id of its init. */
  readonly prepare?: (pid: number) => Promise<void>;
}
