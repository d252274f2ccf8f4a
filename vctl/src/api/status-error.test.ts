import { expect, test } from "vitest";
import { StatusError } from "./status-error.ts";

const notFound = { kind: "Status" as const, reason: "NotFound", message: 'nodes "a" not found', code: 404 };

test("reads as kubectl prints it", () => {
  expect(new StatusError(notFound, 404).message).toBe('Error from server (NotFound): nodes "a" not found');
  expect(new StatusError(notFound, 404).during('error when creating "f"').message).toBe(
    'Error from server (NotFound): error when creating "f": nodes "a" not found',
  );
});

test("an invalid object lists what is wrong with it", () => {
  const causes = [
    { field: "spec.image", message: "Required value" },
    { field: "spec.user", message: "Invalid value" },
  ];
  const invalid = (some: typeof causes) => ({
    kind: "Status" as const,
    reason: "Invalid",
    details: { kind: "VirtualServer", name: "web", causes: some },
  });
  expect(new StatusError(invalid(causes.slice(0, 1)), 422).message).toBe(
    'The VirtualServer "web" is invalid: spec.image: Required value',
  );
  expect(new StatusError(invalid(causes), 422).message).toBe(
    'The VirtualServer "web" is invalid: \n* spec.image: Required value\n* spec.user: Invalid value',
  );
});
