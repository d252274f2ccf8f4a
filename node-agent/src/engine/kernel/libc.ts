import koffi from "koffi";
import { agentError } from "../../agent-error.ts";

/** The C library, for the few calls that neither Node.js nor a program of the distribution makes. */
const library = koffi.load("libc.so.6");
const errnoOf = () => koffi.errno();

/** Declares a function of the C library that returns -1 and sets errno where it fails. */
export function libcCall(declaration: string): (on: string, ...parameters: unknown[]) => number {
  const call = library.func(declaration);
  const name = /(\w+)\s*\(/.exec(declaration)?.[1] ?? declaration;
  return (on, ...parameters) => {
    const result = Number(call(...parameters));
    if (result < 0) throw agentError("system-call-failed", { call: name, on, errno: errnoOf() });
    return result;
  };
}

/** Constants of ioctl and mount calls are the same on these, and different elsewhere. */
export function requireKnownArchitecture(): void {
  if (process.arch === "x64" || process.arch === "arm64") return;
  throw agentError("architecture-unsupported", { architecture: process.arch });
}
