import { VfleetError, messageOf } from "@vfleet/shared";

/** `metav1.StatusCause`. */
export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

/** `metav1.Status` of a failure. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Failure";
  message: string;
  reason: string;
  details?: { name?: string; group?: string; kind?: string; uid?: string; causes?: readonly StatusCause[] };
  code: number;
}

export type StatusDetails = NonNullable<Status["details"]>;

/** What a request ends with; told to the client as a `Status`. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(answer: { code: number; reason: string; details?: StatusDetails }, message: string) {
    super(message);
    this.name = "StatusError";
    this.code = answer.code;
    this.reason = answer.reason;
    this.details = answer.details;
  }
}

export const badRequest = (message: string) => new StatusError({ code: 400, reason: "BadRequest" }, message);
export const forbidden = (message: string, details?: StatusDetails) =>
  new StatusError({ code: 403, reason: "Forbidden", ...(details === undefined ? {} : { details }) }, message);
export const notFound = (message: string, details?: StatusDetails) =>
  new StatusError({ code: 404, reason: "NotFound", ...(details === undefined ? {} : { details }) }, message);
export const unsupportedMediaType = (message: string) =>
  new StatusError({ code: 415, reason: "UnsupportedMediaType" }, message);
export const unavailable = (message: string) => new StatusError({ code: 503, reason: "ServiceUnavailable" }, message);

/** 422. Without causes kubectl would show no reason at all. */
export function invalid(
  subject: { kind: string; group: string; name: string },
  causes: readonly StatusCause[],
): StatusError {
  const list = causes.map((cause) => `${cause.field ?? ""}: ${cause.message}`).join(", ");
  return new StatusError(
    { code: 422, reason: "Invalid", details: { ...subject, causes } },
    `${subject.kind} "${subject.name}" is invalid: ${list}`,
  );
}

/** `VfleetError.code` -> HTTP. What is not here was asked for wrongly: 422. */
const answers: Readonly<Record<string, { code: number; reason: string }>> = {
  "not-found": { code: 404, reason: "NotFound" },
  "already-exists": { code: 409, reason: "AlreadyExists" },
  conflict: { code: 409, reason: "Conflict" },
  forbidden: { code: 403, reason: "Forbidden" },
  expired: { code: 410, reason: "Expired" },
  "selector-invalid": { code: 400, reason: "BadRequest" },
  "continue-invalid": { code: 400, reason: "BadRequest" },
  "version-invalid": { code: 400, reason: "BadRequest" },
  "too-large": { code: 413, reason: "RequestEntityTooLarge" },
  unavailable: { code: 503, reason: "ServiceUnavailable" },
  "store-unavailable": { code: 503, reason: "ServiceUnavailable" },
  "outcome-unknown": { code: 504, reason: "Timeout" },
};

export interface StatusSubject {
  kind: string;
  group: string;
  /** Plural: what `details.kind` of all but 422 says. */
  plural: string;
  name: string;
}

/** Anything thrown as a `Status`. `subject` is what the request was about, where it was about one object. */
export function statusOf(thrown: unknown, subject?: StatusSubject): Status {
  const error = thrown instanceof StatusError ? thrown : fromOther(thrown, subject);
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: error.message,
    reason: error.reason,
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  };
}

function fromOther(thrown: unknown, subject: StatusSubject | undefined): StatusError {
  if (!(thrown instanceof VfleetError)) return fromFastify(thrown);
  const text = thrown.hint === undefined ? thrown.message : `${thrown.message}; ${lowerFirst(thrown.hint)}`;
  const answer = answers[thrown.code];
  if (answer !== undefined) {
    const details =
      subject === undefined ? {} : { details: { name: subject.name, group: subject.group, kind: subject.plural } };
    return new StatusError({ ...answer, ...details }, text);
  }
  if (thrown.code === "internal") return new StatusError({ code: 500, reason: "InternalError" }, text);
  return invalid(subject ?? { kind: "object", group: "", name: "" }, [
    { reason: "FieldValueForbidden", message: text, field: "spec" },
  ]);
}

function fromFastify(thrown: unknown): StatusError {
  const code: unknown =
    typeof thrown === "object" && thrown !== null && "statusCode" in thrown ? thrown.statusCode : undefined;
  if (code === 413)
    return new StatusError(
      { code: 413, reason: "RequestEntityTooLarge" },
      "Request entity too large: limit is 3145728",
    );
  if (code === 415) return unsupportedMediaType(messageOf(thrown));
  if (typeof code === "number" && code >= 400 && code < 500)
    return new StatusError({ code, reason: "BadRequest" }, messageOf(thrown));
  return new StatusError({ code: 500, reason: "InternalError" }, "Internal error: see the controller's log");
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
