import { parseArgs } from "node:util";
import { InstallError } from "./install-error.ts";
import { defaultPrefix } from "./where.ts";

export type CriuChoice = "auto" | "distribution" | "private";

export interface InstallOptions {
  readonly help: boolean;
  readonly checkOnly: boolean;
  readonly json: boolean;
  readonly withTestTools: boolean;
  readonly withVm: boolean;
  readonly upgrade: boolean;
  readonly migrationCheck: boolean;
  readonly criu: CriuChoice;
  readonly prefix: string;
  readonly mirror: string | undefined;
}

export const usage = `Usage: node deploy/install/main.ts [options]

Makes this Debian 12 or 13 machine able to run, checkpoint and migrate virtual
servers. Can be repeated: what is there already is left alone.

  --check             only report what is there and what is missing; change nothing
  --json              one JSON document on standard output instead of lines
  --with-test-tools   also what only tests and benchmarks need: podman, pgbench,
                      redis-tools, kubectl 1.32 and 1.36
  --with-vm           also what "lab up --vm" needs: an emulator and a kernel for it
  --upgrade           fetch the private packages anew, even if they work
  --no-migration-check  leave out the checkpoint and restore at the end
  --criu WHICH        auto, distribution or private (default: auto)
  --prefix FOLDER     where private packages go (default: ${defaultPrefix})
  --mirror URL        Debian mirror for private packages (default: the one that
                      this machine's apt sources name)
  --help              this text

Exit code: 0 everything is in place, 1 something is missing or failed, 2 bad option.
`;

export function parseOptions(args: readonly string[]): InstallOptions {
  const values = parseValues(args);
  const criu = values.criu ?? "auto";
  if (criu !== "auto" && criu !== "distribution" && criu !== "private") {
    throw new InstallError("BAD_OPTION", `--criu "${criu}" is not auto, distribution or private`, "See --help");
  }
  const prefix = values.prefix ?? process.env["VFLEET_PREFIX"] ?? defaultPrefix;
  // The prefix is written into the script that starts CRIU.
  if (!/^\/[A-Za-z0-9._/+-]+$/.test(prefix)) {
    throw new InstallError(
      "BAD_OPTION",
      `--prefix "${prefix}" is not a plain absolute folder name`,
      "For example /opt/vfleet",
    );
  }
  return {
    help: values.help ?? false,
    checkOnly: values.check ?? false,
    json: values.json ?? false,
    withTestTools: values["with-test-tools"] ?? false,
    withVm: values["with-vm"] ?? false,
    upgrade: values.upgrade ?? false,
    migrationCheck: !(values["no-migration-check"] ?? false),
    criu,
    prefix: prefix.replace(/\/+$/, ""),
    mirror: values.mirror,
  };
}

function parseValues(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        check: { type: "boolean" },
        json: { type: "boolean" },
        "with-test-tools": { type: "boolean" },
        "with-vm": { type: "boolean" },
        upgrade: { type: "boolean" },
        "no-migration-check": { type: "boolean" },
        criu: { type: "string" },
        prefix: { type: "string" },
        mirror: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new InstallError("BAD_OPTION", error instanceof Error ? error.message : String(error), "See --help");
  }
}
