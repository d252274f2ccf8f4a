import { describe, expect, test } from "vitest";
import { systemEnvironment, timestamp } from "./environment.ts";

describe("systemEnvironment", () => {
  test("sleep ends early with the signal's reason", async () => {
    const controller = new AbortController();
    const sleeping = systemEnvironment.sleep(60_000, controller.signal);
    controller.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
    await expect(systemEnvironment.sleep(1, controller.signal)).rejects.toThrow("enough");
  });

  test("writes RFC 3339 with milliseconds", () => {
    expect(timestamp({ nowMs: () => 0 })).toBe("1970-01-01T00:00:00.000Z");
  });
});
