import { expect, test } from "vitest";
import { criuCandidates } from "./criu-choice.ts";

test.each([
  ["Debian 12 with its own kernel", "6.1.0-44-amd64", "3.17.1-2+deb12u2", ["distribution", "private"]],
  ["Debian 12 with a backported kernel", "6.12.38+deb12-amd64", "3.17.1-2+deb12u2", ["private"]],
  ["Debian 13 with its own kernel", "6.12.48+deb13-amd64", "4.1.1-1", ["distribution", "private"]],
  ["Debian 13 with a kernel that keeps SO_PASSCRED for unix sockets", "6.16.3-amd64", "4.1.1-1", ["private"]],
  ["a distribution whose CRIU is new enough", "6.18.1", "4.2.1-1", ["distribution", "private"]],
  ["a machine whose sources have no CRIU", "6.1.0", undefined, ["private"]],
])("tries the right CRIU first on %s", (_name, kernelRelease, distributionVersion, candidates) => {
  expect(criuCandidates({ choice: "auto", kernelRelease, distributionVersion })).toEqual(candidates);
});

test("does what the operator asks for", () => {
  const machine = { kernelRelease: "6.18.1", distributionVersion: "3.17.1" };
  expect(criuCandidates({ choice: "distribution", ...machine })).toEqual(["distribution"]);
});
