import { accessSync, constants } from "node:fs";
import { dirname, join } from "node:path";
import { agentError } from "../../agent-error.ts";

/** Program search path on which the configured CRIU comes first: runc finds it by name. */
export function searchPathFor(criu: string): string {
  const usual = process.env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return criu.startsWith("/") ? `${dirname(criu)}:${usual}` : usual;
}

/** Absolute path of a program: conmon takes nothing else. */
export function findProgram(name: string, searchPath: string): string {
  if (name.startsWith("/")) return name;
  for (const folder of searchPath.split(":")) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // the next folder may have it
    }
  }
  throw agentError("program-failed", { program: name, ending: "not found", output: searchPath });
}
