import { describe, expect, test } from "vitest";
import { sampleServer } from "../samples.ts";
import { moveWishes } from "./move-wishes.ts";

const server = sampleServer("web", {
  spec: {
    resources: { limits: { memory: "2560Mi" } },
    migration: { mode: "StopAndCopy", allowPostCopy: true, bandwidth: "50M", maxDowntimeMs: 300 },
  },
});

describe("moveWishes", () => {
  test("are the server's, its memory deciding the time", () =>
    expect(moveWishes(server)).toEqual({
      mode: "StopAndCopy",
      askedBy: "server",
      options: {
        bandwidthBytesPerSecond: 50e6,
        maxDowntimeMs: 300,
        rounds: 10,
        progressTimeoutMs: 150_000,
        allowPostCopy: true,
      },
      timeoutMs: 375_000,
    }));

  test("are the Migration's where it says something", () =>
    expect(
      moveWishes(server, {
        mode: "Auto",
        allowPostCopy: false,
        bandwidth: "1Mi",
        maxDowntimeMs: 100,
        rounds: 2,
        completionTimeoutSeconds: 60,
        progressTimeoutSeconds: 5,
      }),
    ).toEqual({
      mode: "Auto",
      askedBy: "migration",
      options: {
        bandwidthBytesPerSecond: 2 ** 20,
        maxDowntimeMs: 100,
        rounds: 2,
        progressTimeoutMs: 5_000,
        allowPostCopy: false,
      },
      timeoutMs: 60_000,
    }));

  test("leave a small server a minute and more", () =>
    expect(moveWishes(sampleServer("small", { spec: { resources: { limits: { memory: "128Mi" } } } })).timeoutMs).toBe(
      150_000,
    ));
});
