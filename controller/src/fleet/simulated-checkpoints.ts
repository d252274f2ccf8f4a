import type { CheckpointReport, CommandMessage, NodeReport, RestoreReport } from "@vfleet/shared";
import { systemEnvironment, timestamp } from "@vfleet/shared";

type CheckpointCommand = Extract<CommandMessage, { kind: `checkpoint.${string}` }>;

/** The checkpoints of a simulated agent: nothing is in them, but they are accepted, refused, reported and deleted as a real one does it. */
export class SimulatedCheckpoints {
  /** Why they can't be taken; none: they can. */
  failure: string | undefined;
  /** Commands to take one go unheard. */
  isDeaf = false;
  readonly #held = new Map<string, CheckpointReport>();
  readonly #restores = new Map<string, RestoreReport>();

  obey(command: CheckpointCommand, isRunning: (uid: string) => boolean): void {
    switch (command.kind) {
      case "checkpoint.take":
        if (!this.isDeaf) this.#held.set(command.checkpoint, this.#taken(command.checkpoint, command.uid));
        return;
      case "checkpoint.restore":
        if (isRunning(command.uid) && !command.replace) throw new Error("the server runs, and may not be replaced");
        this.#restores.set(command.operation, {
          operation: command.operation,
          checkpoint: command.checkpoint,
          uid: command.uid,
          phase: "Succeeded",
          pauseMs: 300,
        });
        return;
      case "checkpoint.delete":
        this.#held.delete(command.checkpoint);
    }
  }

  reports(): Pick<NodeReport, "checkpoints" | "restores"> {
    return { checkpoints: [...this.#held.values()], restores: [...this.#restores.values()] };
  }

  #taken(checkpoint: string, uid: string): CheckpointReport {
    const about = { checkpoint, uid };
    if (this.failure !== undefined) return { ...about, phase: "Failed", message: this.failure };
    const takenAt = timestamp(systemEnvironment);
    return { ...about, phase: "Ready", takenAt, pauseMs: 120, memoryBytes: 2 ** 26, volumeBytes: 2 ** 20 };
  }
}
