import type { CheckpointDetails, CheckpointReport, CommandMessage, NodeReport, RestoreReport } from "@vfleet/shared";
import { systemEnvironment, timestamp } from "@vfleet/shared";

export type CheckpointCommand = Extract<CommandMessage, { kind: `checkpoint.${string}` }>;

/** The checkpoints of a simulated agent: nothing is in them, but they are accepted, refused, reported and deleted as a real one does it. */
export class SimulatedCheckpoints {
  /** Why they can't be taken; none: they can. */
  failure: string | undefined;
  /** Commands to take one go unheard. */
  isDeaf = false;
  readonly #held = new Map<string, CheckpointReport>();
  readonly #restores = new Map<string, RestoreReport>();

  /** Returns what the agent replies. */
  obey(command: CheckpointCommand, isRunning: (uid: string) => boolean): object {
    switch (command.kind) {
      case "checkpoint.take":
        if (!this.isDeaf) this.#held.set(command.checkpoint, this.#taken(command.checkpoint));
        return {};
      case "checkpoint.restore":
        if (isRunning(command.uid) && !command.replace) throw new Error("the server runs, and may not be replaced");
        this.#restores.set(command.operation, {
          operation: command.operation,
          checkpoint: command.checkpoint,
          uid: command.uid,
          phase: "Succeeded",
          pauseMs: 300,
        });
        return {};
      case "checkpoint.delete":
        this.#held.delete(command.checkpoint);
        return {};
      case "checkpoint.pull":
        this.#held.set(command.checkpoint, this.#taken(command.checkpoint));
        return {};
      case "checkpoint.offer":
        return {};
      case "checkpoint.describe":
        break;
    }
    return this.#details();
  }

  reports(): Pick<NodeReport, "checkpoints" | "restores"> {
    return { checkpoints: [...this.#held.values()], restores: [...this.#restores.values()] };
  }

  #taken(checkpoint: string): CheckpointReport {
    if (this.failure !== undefined) return { checkpoint, phase: "Failed", message: this.failure };
    return { checkpoint, phase: "Ready" };
  }

  #details(): CheckpointDetails {
    return {
      takenAt: timestamp(systemEnvironment),
      pauseMs: 120,
      memoryBytes: 2 ** 26,
      storedBytes: 2 ** 24,
      volumeBytes: 2 ** 20,
      versions: {
        criu: "4.2.1",
        runc: "1.1.5",
        kernel: "6.18",
        architecture: "x86_64",
        cgroup: "v1",
        cpuFlags: [],
        dirtyTracking: false,
      },
      spec: {},
    };
  }
}
