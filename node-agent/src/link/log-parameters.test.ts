import { expect, it } from "vitest";
import { parseLogParameters } from "./log-parameters.ts";

it("reads what kubectl sends, and takes no nonsense for a number", () => {
  const query = new URLSearchParams("follow=true&tailLines=5&timestamps=true&sinceSeconds=10&limitBytes=x");
  expect(parseLogParameters(query, 100_000)).toEqual({
    follow: true,
    tailLines: 5,
    timestamps: true,
    sinceMs: 90_000,
    limitBytes: Number.POSITIVE_INFINITY,
  });
});
