import { errorRegistry } from "@vfleet/shared";

/** Codes are stable; see `ObjectStore` for what each means to a caller. */
export const fail = errorRegistry({
  "not-found": (p: { what: string; name: string }) => `${p.what} "${p.name}" not found`,
  "already-exists": (p: { what: string; name: string }) => `${p.what} "${p.name}" already exists`,
  conflict: (p: { what: string; name: string; reason: string }) => `Cannot change ${p.what} "${p.name}": ${p.reason}`,
  invalid: (p: { what: string; name: string; reason: string }) => `Cannot store ${p.what} "${p.name}": ${p.reason}`,
  "selector-invalid": (p: { selector: string; reason: string }) => `Cannot use selector "${p.selector}": ${p.reason}`,
  "continue-invalid": (p: { reason: string }) => `Cannot continue the list: ${p.reason}`,
  "too-large": (p: { what: string; name: string; bytes: number; limitBytes: number }) =>
    `Cannot store ${p.what} "${p.name}": it has ${p.bytes} bytes, at most ${p.limitBytes} are possible`,
  expired: (p: { version: string; oldest: string }) =>
    `Version ${p.version} is too old: the oldest that is still known is ${p.oldest}`,
  "version-invalid": (p: { version: string }) => `"${p.version}" is not a version: a number is needed`,
  "store-unavailable": (p: { reason: string }) => `The object store cannot be reached: ${p.reason}`,
  "outcome-unknown": (p: { what: string; name: string }) =>
    `Whether ${p.what} "${p.name}" was written is not known: the object store did not answer in time`,
});
