import { expect, test } from "vitest";
import { parseInstalled } from "./packages.ts";
import { findServerPackage } from "./pgbench.ts";

test("counts only packages that are wholly installed", () => {
  const printed = "runc 1.1.5+ds1-1 ii \nsocat 1.7.4 rc \nlibc6:amd64 2.36-9 ii \ntini  un \n";
  expect([...parseInstalled(printed)]).toEqual([
    ["runc", "1.1.5+ds1-1"],
    ["libc6", "2.36-9"],
  ]);
});

test("finds the database server's package behind the one without a version", () => {
  expect(findServerPackage("postgresql\n  Depends: postgresql-15\n")).toBe("postgresql-15");
  expect(findServerPackage("")).toBeUndefined();
});
