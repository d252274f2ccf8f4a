import type { MoveMode } from "@vfleet/shared";
import { FrozenMemorySource } from "./frozen-memory-source.ts";
import { LocalMemoryTarget } from "./local-memory-target.ts";
import type { MemorySource, MemorySourceOptions } from "./memory-source.ts";
import type { MemoryTarget, MemoryTargetOptions } from "./memory-target.ts";
import { NoMemoryTarget } from "./no-memory-target.ts";
import { RemoteMemoryTarget } from "./remote-memory-target.ts";
import { RoundsMemorySource } from "./rounds-memory-source.ts";
import { RoundsMemoryTarget } from "./rounds-memory-target.ts";
import { StreamedMemorySource } from "./streamed-memory-source.ts";

/** None: nothing of it is sent. */
export function memorySource(mode: MoveMode, options: MemorySourceOptions): MemorySource | undefined {
  switch (mode) {
    case "StopAndCopy":
      return new StreamedMemorySource(options);
    case "Postcopy":
      return new FrozenMemorySource(options);
    case "Precopy":
    case "Hybrid":
      return new RoundsMemorySource(options);
    case "Cold":
      break;
  }
  return undefined;
}

export function memoryTarget(mode: MoveMode, options: MemoryTargetOptions): MemoryTarget {
  switch (mode) {
    case "StopAndCopy":
      return new LocalMemoryTarget(options);
    case "Postcopy":
      return new RemoteMemoryTarget(options);
    case "Precopy":
    case "Hybrid":
      return new RoundsMemoryTarget(options);
    case "Cold":
      break;
  }
  return new NoMemoryTarget();
}
