import { describe, expect, test } from "vitest";
import { migrationModes } from "@vfleet/shared";
import type { ModeView } from "./choose-mode.ts";
import { chooseMode } from "./choose-mode.ts";

const mebibyte = 2 ** 20;

interface Changes extends Partial<Omit<ModeView, "wishes">> {
  mode?: ModeView["wishes"]["mode"];
  allowPostCopy?: boolean;
  maxDowntimeMs?: number;
}

function view({ mode = "Auto", allowPostCopy = false, maxDowntimeMs = 900, ...changes }: Changes): ModeView {
  return {
    wishes: { mode, askedBy: "migration", options: { allowPostCopy, maxDowntimeMs } },
    memoryBytes: 512 * mebibyte,
    memoryLimitBytes: 1024 * mebibyte,
    path: { bytesPerSecond: 512 * mebibyte, origin: "measured", fixedPauseMs: 400 },
    tracksDirtyPages: false,
    dirtyRateBytesPerSecond: undefined,
    ...changes,
  };
}

describe("Auto", () => {
  test.each<[string, Changes, string, RegExp]>([
    [
      "a pause within what is allowed",
      { maxDowntimeMs: 2000 },
      "StopAndCopy",
      /^Within maxDowntime 2\.0 s: a pause of 1\.4 s is predicted \(512\.0 MiB at 512\.0 MiB\/s, as measured between these hosts, and 400 ms\)$/,
    ],
    ["too long, post-copy not allowed", {}, "StopAndCopy", /^Over maxDowntime.*not track.*post-copy is not allowed$/],
    [
      "too long, post-copy allowed",
      { allowPostCopy: true },
      "Postcopy",
      /would be over.*1\.4 s.*post-copy is allowed$/,
    ],
    [
      "dirty pages tracked",
      { tracksDirtyPages: true },
      "Precopy",
      /^Rounds while it runs.*without them a pause of 1\.4 s/,
    ],
    ["tracked, and short anyway", { tracksDirtyPages: true, maxDowntimeMs: 5000 }, "Precopy", /^Rounds/],
    ["tracked, but small", { tracksDirtyPages: true, memoryBytes: 8 * mebibyte }, "StopAndCopy", /^Within/],
    [
      "tracked, small, and slow to send",
      {
        tracksDirtyPages: true,
        memoryBytes: 8 * mebibyte,
        path: { bytesPerSecond: mebibyte, origin: "limited", fixedPauseMs: 400 },
      },
      "Precopy",
      /8\.0 MiB at 1\.0 MiB\/s, its limit/,
    ],
    [
      "written faster than sent, post-copy allowed",
      { tracksDirtyPages: true, dirtyRateBytesPerSecond: 500 * mebibyte, allowPostCopy: true },
      "Hybrid",
      /it wrote 500\.0 MiB\/s when it last moved, and 512\.0 MiB\/s can be sent; post-copy is allowed for the rest$/,
    ],
    [
      "written faster than sent, post-copy not allowed",
      { tracksDirtyPages: true, dirtyRateBytesPerSecond: 500 * mebibyte },
      "Precopy",
      /^Rounds may not end/,
    ],
    [
      "written slower than sent",
      { tracksDirtyPages: true, dirtyRateBytesPerSecond: 5 * mebibyte, allowPostCopy: true },
      "Precopy",
      /^Rounds while it runs/,
    ],
    [
      "memory not known yet: its limit counts",
      { memoryBytes: undefined, maxDowntimeMs: 3000 },
      "StopAndCopy",
      /a pause of 2\.4 s is predicted \(at most 1\.0 GiB/,
    ],
    [
      "nothing measured yet",
      { path: { bytesPerSecond: 200e6, origin: "assumed", fixedPauseMs: 400 } },
      "StopAndCopy",
      /a pause of 3\.1 s .*nothing was measured/,
    ],
  ])("%s", (_what, changes, mode, reason) => {
    const chosen = chooseMode(view(changes));
    expect(chosen.mode).toBe(mode);
    expect(chosen.modeReason).toMatch(reason);
  });
});

describe("a mode that was asked for", () => {
  test.each(migrationModes.filter((mode) => mode !== "Auto"))("%s is what it gets", (mode) => {
    expect(chooseMode(view({ mode, allowPostCopy: true }))).toMatchObject({
      mode,
      modeReason: expect.stringMatching(/^Asked for/) as unknown,
    });
  });

  test("by the server itself says so", () => {
    const asked = view({ mode: "Cold" });
    expect(chooseMode({ ...asked, wishes: { ...asked.wishes, askedBy: "server" } }).modeReason).toBe(
      "Asked for by the server's spec.migration",
    );
  });
});
