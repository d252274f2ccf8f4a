import { describe, expect, test } from "vitest";
import { formatBytes, formatBytesForPeople, formatMilliCpu, parseBytes, parseMilliCpu } from "./quantity.ts";

describe("quantities", () => {
  test.each([
    ["512Mi", 536_870_912],
    ["1G", 1_000_000_000],
    ["4096", 4096],
    ["0.5Gi", 536_870_912],
  ])("reads %s as bytes", (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test.each([
    ["250m", 250],
    ["2", 2000],
    ["0.5", 500],
  ])("reads %s as thousandths of a CPU", (text, milli) => expect(parseMilliCpu(text)).toBe(milli));

  test.each(["", "-1", "1e3", "1.5", "1 Gi", "NaN", "9999999999Pi", "1gi", "٣"])(
    "refuses %j as bytes and names it",
    (text) => expect(() => parseBytes(text)).toThrow(`"${text}"`),
  );

  test.each(["-1", "0.0001", "1Mi2", "two"])("refuses %j as CPUs and names it", (text) =>
    expect(() => parseMilliCpu(text)).toThrow(`"${text}"`),
  );

  test("writes what it reads", () => {
    for (const text of ["512Mi", "3Gi", "1Ki", "7"]) expect(formatBytes(parseBytes(text))).toBe(text);
    for (const text of ["250m", "2"]) expect(formatMilliCpu(parseMilliCpu(text))).toBe(text);
    expect(formatBytesForPeople(1_572_864)).toBe("1.5 MiB");
  });
});
