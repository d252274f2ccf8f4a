import { expect, it } from "vitest";
import { outdatedOf } from "./peer-certificate.ts";

const dayMs = 24 * 60 * 60 * 1000;
const fromMs = Date.UTC(2026, 0, 2);

function certificate(name: string, days: number) {
  return {
    subject: `O=a fleet\nCN=${name}`,
    validFromDate: new Date(fromMs),
    validToDate: new Date(fromMs + days * dayMs),
  };
}
const chain = [certificate("node:host-1", 10), certificate("the fleet", 30)];

it("finds nothing wrong within the dates, their ends included", () => {
  for (const nowMs of [fromMs, fromMs + dayMs, fromMs + 10 * dayMs])
    expect(outdatedOf(chain, { nowMs, where: "here" })).toBeUndefined();
});

it.each([
  [-1, '"node:host-1" is valid from 2026-01-02T00:00:00.000Z to 2026-01-12T00:00:00.000Z', "2026-01-01"],
  [11, '"node:host-1" is valid from 2026-01-02T00:00:00.000Z to 2026-01-12T00:00:00.000Z', "2026-01-13"],
])("names certificate and dates %i days after they began", (days, dates, today) => {
  const nowMs = fromMs + days * dayMs;
  expect(outdatedOf(chain, { nowMs, where: "on the moon" })).toBe(
    `the certificate ${dates}, and on the moon it is ${today}T00:00:00.000Z`,
  );
});

it("names the authority's where that is the one", () => {
  const [, authority = certificate("", 0)] = chain;
  const lasting = { ...certificate("node:host-1", 100) };
  expect(outdatedOf([lasting, authority], { nowMs: fromMs + 31 * dayMs, where: "here" })).toMatch(/"the fleet"/);
});
