import { pino, type Logger } from "pino";

export type { Logger };

/** Structured events on standard error, one JSON line each: a program's own name, then fields, then the event. */
export function createLogger(program: string, level = process.env["VFLEET_LOG_LEVEL"] ?? "info"): Logger {
  return pino({ name: program, level, base: { program } }, pino.destination({ dest: 2, sync: true }));
}
