import { expect, it } from "vitest";
import { refusalOf } from "./package-proxy.ts";

const sources = { hosts: new Set(["deb.example.org"]), proxyFor: () => undefined };

it.each([
  ["GET", "http://deb.example.org/debian/", undefined],
  ["HEAD", "http://deb.example.org/debian/", undefined],
  ["POST", "http://deb.example.org/debian/", "method POST is not forwarded"],
  ["GET", "http://elsewhere.example.org/", '"elsewhere.example.org" is not in this machine\'s apt sources'],
  ["GET", "http://deb.example.org:8080/", "only port 80 is forwarded to"],
  ["GET", "ftp://deb.example.org/", "only absolute http URLs are forwarded"],
])("answers %s %s with %s", (method, url, refusal) => {
  expect(refusalOf(sources, { method, url: new URL(url) })).toBe(refusal);
});

it("refuses what is no URL", () => {
  expect(refusalOf(sources, { method: "GET", url: undefined })).toBe("only absolute http URLs are forwarded");
});
