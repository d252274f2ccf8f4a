import type { SessionHost } from "@vfleet/criu-bridge";
import { Failpoints } from "@vfleet/shared";
import type { AgentParts } from "../agent.ts";
import { findProgram, searchPathFor } from "../engine/program/find-program.ts";

/** What the bridge is told of this host. `part`: of the agent, for its log. */
export function sessionHost(
  { config, environment, log, versions }: Pick<AgentParts, "config" | "environment" | "log" | "versions">,
  part: string,
): SessionHost {
  const searchPath = searchPathFor(config.programs.criu);
  return {
    environment,
    log: log.child({ part }),
    failpoints: new Failpoints(config.failpointFolder),
    programs: {
      criu: findProgram(config.programs.criu, searchPath),
      runc: findProgram(config.programs.runc, searchPath),
    },
    searchPath,
    criuVersion: versions.criu,
    runFolder: config.runFolder,
    stateFolder: config.stateFolder,
    tls: config.tls,
  };
}
