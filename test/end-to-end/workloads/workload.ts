import { spawn } from "node:child_process";
import { EventProgram } from "../../../deploy/load/event-program.ts";
import type { Fleet } from "../../fleet/fleet.ts";
import { root } from "../../fleet/paths.ts";

/** A server of real software, and the client that must not notice its moves. */
export interface Workload {
  name: string;
  /** One of its own, where what it needs must not be in the others'. */
  image?: { name: string; packages: readonly string[] };
  /** Limit of its memory. */
  memory: string;
  /** Arguments of `vctl run`. */
  options?: readonly string[];
  /** What its first process is; none: the image's init. */
  command: readonly string[];
  environment?: () => Promise<Record<string, string>>;
  /** Done before it is loaded, until it succeeds. */
  probe: (place: Place) => Promise<boolean>;
  /** Starts the client; resolves when it is at work. */
  load: (place: Place) => Promise<Load>;
}

export interface Place {
  fleet: Fleet;
  server: string;
  address: string;
}

export interface Load {
  /** Ends the client and throws if it noticed more than a pause. Called after the moves. */
  finish: () => Promise<void>;
}

/** A client that asks for the next number over one connection. */
export async function numberLoad(place: Place, options: Record<string, string | number>): Promise<Load> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const client = [`${root}deploy/load/number-counter.ts`, "--host", place.address, ...args];
  const program = new EventProgram(process.execPath, [...place.fleet.inHost("client"), process.execPath, ...client], {
    ...process.env,
  });
  await program.event("counting");
  return {
    finish: async () => {
      const result = await program.finish();
      if (result["connectionKept"] !== true || result["wrong"] !== 0 || Number(result["answers"]) < 10)
        throw new Error(`the client noticed: ${JSON.stringify(result)}`);
    },
  };
}

/** A program in the client host that works until it is ended by a signal, and what it printed. */
export function programLoad({ fleet }: Place, command: readonly string[]) {
  const child = spawn(process.execPath, [...fleet.inHost("client"), ...command]);
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    stdin: child.stdin,
    printed: () => printed,
    ended,
    /** Gives all that it printed; ends it unless it does so by itself. Throws if it has: then the last move was not under load. */
    end: async (signal?: NodeJS.Signals): Promise<string> => {
      if (child.exitCode !== null) throw new Error(`${command[0]} ended with ${child.exitCode}: ${printed}`);
      if (signal !== undefined) child.kill(signal);
      await ended;
      return printed;
    },
  };
}

/** A port of the server takes connections. */
export function answersOn(port: number): Workload["probe"] {
  const connect = `require("node:net").connect(${port}, process.argv[1]).on("connect", () => process.exit(0)).on("error", () => process.exit(1))`;
  return async ({ address, fleet }) =>
    (await fleet.exec("client", process.execPath, "-e", connect, address)).code === 0;
}
