import type { ApiObject, Kind } from "@vfleet/shared";
import type { User } from "./authentication.ts";

/** A write that passed schema, defaults and authorisation, before it is stored. */
export interface AdmissionRequest {
  kind: Kind;
  operation: "create" | "update" | "delete";
  subresource?: "status" | undefined;
  /** What would be stored; for `delete` what is stored. */
  object: ApiObject;
  /** What is stored now; none for `create`. */
  old?: ApiObject | undefined;
  user: User;
  dryRun: boolean;
}

/**
 * Returns the object to store, changed or not (it may edit and return `request.object`), or throws a `VfleetError`
 * whose code says the answer: `not-found` 404, `conflict` 409, `forbidden` 403, `unavailable` 503, any other 422.
 */
export type Admission = (request: AdmissionRequest) => ApiObject | Promise<ApiObject>;
