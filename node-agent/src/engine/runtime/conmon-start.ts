import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { z } from "zod";
import { NamedPipe } from "../kernel/named-pipe.ts";

/** conmon's report on its sync pipe, one line: the container's process id, or less than 1 and what the runtime said. */
const reportSchema = z.object({ data: z.number().int(), message: z.string().optional() });

/** Descriptor of the sync pipe in conmon. */
const syncDescriptor = 3;
const quotedCharacters = 1500;

export interface ConmonStart {
  command: readonly string[];
  searchPath: string;
  /** Where conmon's own complaints go: it outlives the agent, so a pipe won't do. */
  errorFile: string;
}

/** Starts conmon, which leaves on its own, and resolves with the container's process id when the runtime has made it. Rejects with what the runtime said. */
export function startWithConmon({ command, searchPath, errorFile }: ConmonStart): Promise<number> {
  const [program = "", ...parameters] = command;
  const errors = openSync(errorFile, "w", 0o600);
  // conmon that can't report gives up, and with it the container that the runtime is making.
  const sync = new NamedPipe(`${errorFile}.sync`);
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      cwd: "/",
      // A session of its own: what stops the agent must not stop the servers.
      detached: true,
      env: { PATH: searchPath, _OCI_SYNCPIPE: String(syncDescriptor) },
      stdio: ["ignore", "ignore", errors, sync.programFd],
    });
    closeSync(errors);
    sync.closeProgramEnd();
    const { reader } = sync;
    let report = "";
    const finish = () => {
      reader.destroy();
      const parsed = reportSchema.safeParse(parseJson(report));
      if (parsed.success && parsed.data.data > 0) resolve(parsed.data.data);
      else
        reject(
          new Error(
            (
              parsed.data?.message?.trim() ||
              readFileSync(errorFile, "utf8").trim() ||
              "conmon ended without a report"
            ).slice(-quotedCharacters),
          ),
        );
    };
    reader.on("data", (chunk: Buffer) => {
      report += chunk.toString();
      // conmon keeps the pipe open for as long as the container runs.
      if (report.includes("\n")) finish();
    });
    reader.once("end", finish);
    reader.once("error", finish);
    child.once("error", reject);
    child.unref();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.split("\n")[0] ?? "");
  } catch {
    return undefined;
  }
}
