import { VfleetError } from "@vfleet/shared";
import { z } from "zod";

/** Kubernetes `metav1.Status`, the members a client reads. */
export const statusSchema = z.looseObject({
  kind: z.literal("Status"),
  status: z.string().optional(),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  details: z
    .looseObject({
      name: z.string().optional(),
      kind: z.string().optional(),
      causes: z
        .array(
          z.looseObject({
            reason: z.string().optional(),
            message: z.string().optional(),
            field: z.string().optional(),
          }),
        )
        .optional(),
    })
    .nullish(),
});
export type Status = z.infer<typeof statusSchema>;

/** An error the server answered with. Its `code` is the Status' reason, its text reads as kubectl prints it. */
export class StatusError extends VfleetError {
  readonly status: Status;
  readonly httpStatus: number;

  constructor(status: Status, httpStatus: number, context?: string) {
    super(status.reason ?? "Unknown", textOf(status, httpStatus, context));
    this.name = "StatusError";
    this.status = status;
    this.httpStatus = httpStatus;
  }

  /** The same error, saying what was being done: `error when creating "web.yaml"`. */
  during(context: string): StatusError {
    return new StatusError(this.status, this.httpStatus, context);
  }
}

export function isNotFound(thrown: unknown): boolean {
  return thrown instanceof StatusError && thrown.httpStatus === 404;
}

function textOf(status: Status, httpStatus: number, context: string | undefined): string {
  const causes = status.details?.causes ?? [];
  if (status.reason === "Invalid" && status.details?.kind !== undefined && causes.length > 0) {
    // What was to be named by the server has no name yet.
    const name = status.details.name ? ` "${status.details.name}"` : "";
    const subject = `The ${status.details.kind}${name} is invalid`;
    const lines = causes.map((cause) => `${cause.field ?? "<nil>"}: ${cause.message ?? ""}`);
    return lines.length === 1
      ? `${subject}: ${lines[0] ?? ""}`
      : `${subject}: \n${lines.map((line) => `* ${line}`).join("\n")}`;
  }
  if (httpStatus === 401) return `error: You must be logged in to the server (${status.message ?? "Unauthorized"})`;
  const reason = status.reason === undefined ? "" : ` (${status.reason})`;
  const during = context === undefined ? "" : `${context}: `;
  return `Error from server${reason}: ${during}${status.message ?? `the server answered ${httpStatus}`}`;
}
