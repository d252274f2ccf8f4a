import type { BackgroundProgram } from "../criu/background-program.ts";
import { fail } from "../errors.ts";
import type { PageTotals } from "../pages/page-server.ts";
import type { MemoryTarget } from "./memory-target.ts";

/** Cold: a server that was stopped has no memory, and nothing of it may come. */
export class NoMemoryTarget implements MemoryTarget {
  readonly asksForPages = false;
  readonly pages = 0;
  readonly remainingPages = undefined;
  readonly isWaiting = false;

  take(): undefined {
    throw unexpected();
  }

  async complete({ images, pages }: PageTotals): Promise<void> {
    if (images > 0 || pages > 0) throw unexpected();
  }

  async startFilling(): Promise<BackgroundProgram> {
    throw unexpected();
  }

  async close(): Promise<void> {}
}

function unexpected(): Error {
  return fail("stream-invalid", { reason: "mode Cold has no memory" });
}
