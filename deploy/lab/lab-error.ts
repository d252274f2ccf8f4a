/** Every way a lab command can end early; `reason` completes the sentence. */
const messages = {
  "not-root": "Cannot work on a lab",
  "tool-missing": "Cannot start a lab",
  "kernel-lacks": "Cannot start a lab",
  "name-invalid": "Cannot use this lab name",
  "quantity-invalid": "Cannot use this amount",
  "lab-unknown": "Cannot find the lab",
  "lab-differs": "Cannot change the lab",
  "lab-busy": "Cannot work on the lab",
  "host-unknown": "Cannot find the host",
  "host-down": "Cannot reach the host",
  "host-up": "Cannot boot the host",
  "program-unknown": "Cannot find the program",
  "failpoint-invalid": "Cannot set the failpoint",
  "partition-invalid": "Cannot cut these hosts off",
  "command-failed": "A command failed",
  "start-failed": "Cannot start a part of the lab",
  "not-ready": "The lab is up but not ready",
  "left-behind": "The lab left something behind",
  "state-invalid": "Cannot read the lab's state",
} as const;

export type LabErrorCode = keyof typeof messages;

/**
 * An error with a stable code, as `VfleetError` is. The lab has its own class because `lab exec` must start in
 * a few milliseconds, and the shared vocabulary takes much longer to load.
 */
export class LabError extends Error {
  readonly code: LabErrorCode;
  readonly hint: string;

  constructor(code: LabErrorCode, reason: string, hint: string) {
    super(`${messages[code]}: ${reason}`);
    this.name = "LabError";
    this.code = code;
    this.hint = hint;
  }
}
