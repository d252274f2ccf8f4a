import type { Environment, Kind, Logger } from "@vfleet/shared";
import type { ObjectKey, ObjectStore } from "../store/object-store.ts";
import type { Admission } from "./admission.ts";
import type { User } from "./authentication.ts";
import { badRequest } from "./status.ts";

/** A request about objects of a kind, authenticated and authorised. */
export interface ResourceRequest {
  kind: Kind;
  /** None: all of them. */
  namespace: string | undefined;
  /** None: the collection. */
  name: string | undefined;
  subresource: "status" | undefined;
  user: User;
  query: URLSearchParams;
  body: Buffer | undefined;
  contentType: string | undefined;
  accept: string | undefined;
}

/** What a request is answered with. */
export interface Answer {
  code: number;
  body: string;
  warnings?: readonly string[];
}

export interface ResourceParts {
  store: ObjectStore;
  environment: Environment;
  log: Logger;
  admission: readonly Admission[];
}

export function keyOf(request: ResourceRequest): ObjectKey {
  return { namespace: request.namespace, name: request.name ?? "" };
}

/** `dryRun=All`. Throws 400 for anything else. */
export function isDryRun(values: readonly unknown[]): boolean {
  if (values.some((value) => value !== "All"))
    throw badRequest(`Invalid value for dryRun: ${values.map(String).join(", ")}: supported: "All"`);
  return values.length > 0;
}

/** A whole number of the query; none where it is not given. Throws 400. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw badRequest(`${name}: "${text}" is not a whole number`);
  return Number(text);
}
