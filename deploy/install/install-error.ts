/** Every way an installation can end early. */
const messages = {
  BAD_OPTION: "Cannot read the command line",
  COMMAND_FAILED: "A command failed",
  MIRROR_UNKNOWN: "Cannot find the Debian mirror of this machine",
  ARCHIVE_UNREACHABLE: "Cannot read a Debian suite",
  NO_WORKING_CRIU: "No CRIU works on this kernel",
  NO_WORKING_PACKAGE: "No version of a package works on this machine",
} as const;

export type InstallErrorCode = keyof typeof messages;

export class InstallError extends Error {
  readonly code: InstallErrorCode;
  readonly hint: string;

  constructor(code: InstallErrorCode, reason: string, hint: string) {
    super(`${messages[code]}: ${reason}`);
    this.name = "InstallError";
    this.code = code;
    this.hint = hint;
  }
}
