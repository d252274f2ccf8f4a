import { VfleetError } from "@vfleet/shared";
import { expect, test } from "vitest";
import { statusOf } from "./status.ts";

const subject = { kind: "VirtualServer", group: "vfleet.dev", plural: "virtualservers", name: "web" };

test.each([
  ["not-found", 404, "NotFound"],
  ["already-exists", 409, "AlreadyExists"],
  ["conflict", 409, "Conflict"],
  ["forbidden", 403, "Forbidden"],
  ["expired", 410, "Expired"],
  ["too-large", 413, "RequestEntityTooLarge"],
  ["unavailable", 503, "ServiceUnavailable"],
  ["store-unavailable", 503, "ServiceUnavailable"],
  ["outcome-unknown", 504, "Timeout"],
  ["image-unknown", 422, "Invalid"],
])("%s is %i %s", (code, status, reason) => {
  expect(statusOf(new VfleetError(code, "Cannot", { hint: "Do" }), subject)).toMatchObject({
    kind: "Status",
    status: "Failure",
    code: status,
    reason,
  });
});

test("a refusal by code has a cause, or kubectl would show no reason", () => {
  const status = statusOf(new VfleetError("node-same", 'Cannot move "web"', { hint: "Pick another node" }), subject);
  expect(status.details?.causes).toEqual([
    { reason: "FieldValueForbidden", field: "spec", message: 'Cannot move "web"; pick another node' },
  ]);
});

test("what nobody foresaw tells the client nothing of the inside", () => {
  expect(statusOf(new TypeError("secret is undefined"))).toMatchObject({
    code: 500,
    message: expect.not.stringContaining("secret"),
  });
});
