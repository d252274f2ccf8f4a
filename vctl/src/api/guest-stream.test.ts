import { expect, test } from "vitest";
import { outcomeOf } from "./guest-stream.ts";
import { StatusError } from "./status-error.ts";

const outcome = (status: unknown) => outcomeOf(Buffer.from(JSON.stringify(status)));

test("the final status tells the command's exit code", () => {
  expect(outcome({ status: "Success" })).toBe(0);
  expect(
    outcome({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "7" }] },
    }),
  ).toBe(7);
});

test("or why it could not be run", () => {
  expect(outcome({ status: "Failure", reason: "InternalError", message: "no such program" })).toBeInstanceOf(
    StatusError,
  );
});
