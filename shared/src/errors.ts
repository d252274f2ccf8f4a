/** What an error says beyond its message. */
export interface ErrorDetails {
  /** What would help, one sentence without a full stop. */
  hint?: string;
  cause?: unknown;
}

/**
 * An error with a stable code. Decide by `code`, never by the text.
 * `message` reads: action, quoted name, reason with required and actual value, no full stop.
 */
export class VfleetError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "VfleetError";
    this.code = code;
    this.hint = details.hint;
  }
}

/** One registry per package: `const fail = errorRegistry({ "image-unknown": (p: {name: string}) => … })`. */
export function errorRegistry<R extends Record<string, (...parameters: never[]) => string>>(registry: R) {
  return function fail<C extends keyof R & string>(
    code: C,
    parameters: Parameters<R[C]>[0],
    details: ErrorDetails = {},
  ): VfleetError {
    const text = registry[code] as unknown as (parameters: Parameters<R[C]>[0]) => string;
    return new VfleetError(code, text(parameters), details);
  };
}

/** The message of anything that was thrown, for logs and statuses. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The stable code of anything that was thrown; `internal` where there is none. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof VfleetError ? thrown.code : "internal";
}
