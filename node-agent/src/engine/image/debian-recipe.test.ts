import { expect, it } from "vitest";
import { buildArguments, recipeKey } from "./debian-recipe.ts";

const place = { tarFile: "/s/root.tar", packageProxy: undefined, hostSources: ["/etc/apt/sources.list"] };

it("names what is made, not how its packages are listed", () => {
  const key = recipeKey({ suite: "bookworm", packages: ["b", "a"] }, "x64");
  expect(recipeKey({ suite: "bookworm", packages: ["a", "b"] }, "x64")).toBe(key);
  expect(recipeKey({ suite: "bookworm", packages: ["a"] }, "x64")).not.toBe(key);
  expect(recipeKey({ suite: "bookworm", packages: ["a", "b"] }, "arm64")).not.toBe(key);
});

it("takes the recipe's mirror, or else the host's sources", () => {
  expect(
    buildArguments({ suite: "bookworm", packages: [], mirror: "http://mirror.example/debian" }, place).at(-1),
  ).toBe("http://mirror.example/debian");
  expect(buildArguments({ suite: "bookworm", packages: [] }, place).at(-1)).toBe("/etc/apt/sources.list");
});
