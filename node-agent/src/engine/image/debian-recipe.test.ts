import { expect, it } from "vitest";
import { buildArguments, recipeKey } from "./debian-recipe.ts";

const place = { tarFile: "/s/root.tar", packageProxy: undefined, sources: ["/etc/apt/sources.list"] };

it("names what is made, not how its packages are listed", () => {
  const key = recipeKey({ suite: "bookworm", packages: ["b", "a"] }, "x64");
  expect(recipeKey({ suite: "bookworm", packages: ["a", "b"] }, "x64")).toBe(key);
  expect(recipeKey({ suite: "bookworm", packages: ["a"] }, "x64")).not.toBe(key);
  expect(recipeKey({ suite: "bookworm", packages: ["a", "b"] }, "arm64")).not.toBe(key);
});

it("names the sources last", () => {
  expect(buildArguments({ suite: "bookworm", packages: [] }, place).at(-1)).toBe("/etc/apt/sources.list");
});
