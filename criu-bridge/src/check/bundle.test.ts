import { expect, test } from "vitest";
import { bundleConfiguration } from "./bundle.ts";
import { hostCheck, stepLine } from "./check-step.ts";
import { versionIn } from "./probe.ts";
import { boxArguments } from "./run-box.ts";
import { checkpointArguments, restoreArguments } from "./runc-arguments.ts";

const configuration = bundleConfiguration({
  rootFolder: "/run/check/root",
  cgroupPath: "/vfleet-check-1",
  firstId: 1_000_000_000,
  sharedFolders: ["/usr"],
  hook: { path: "/x/attach-network.sh", args: ["198.51.100.2/24"], searchPath: "/usr/sbin:/usr/bin" },
  criuConfiguration: "/run/check/criu.conf",
});

test("lets the runtime make the network namespace inside the container's user namespace", () => {
  expect(configuration.linux.namespaces).toContainEqual({ type: "user" });
  expect(configuration.linux.namespaces).toContainEqual({ type: "network" });
});

test("maps no user of the host into the container", () => {
  expect(configuration.linux.uidMappings).toEqual([{ containerID: 0, hostID: 1_000_000_000, size: 65_536 }]);
});

test("shares the host's programs read-only", () => {
  expect(configuration.mounts).toContainEqual({
    destination: "/usr",
    type: "bind",
    source: "/usr",
    options: ["bind", "ro"],
  });
});

test("dumps and restores with open connections, and keeps both logs", () => {
  const place = {
    stateFolder: "/s",
    runtimeLog: "/l",
    bundleFolder: "/b",
    id: "check",
    imageFolder: "/i",
    workFolder: "/w",
  };
  for (const command of [checkpointArguments(place), restoreArguments(place)]) {
    expect(command).toEqual(expect.arrayContaining(["--tcp-established", "--work-path", "/w", "--image-path", "/i"]));
  }
});

test("ends everything in the box when the program outside ends", () => {
  expect(boxArguments("/group")).toEqual(expect.arrayContaining(["--pid", "--kill-child", "--mount", "--net"]));
});

test("passes with notes, but not with a required step failed", () => {
  const note = { name: "soft dirty", level: "info", ok: false, detail: "no" } as const;
  expect(hostCheck([note]).ok).toBe(true);
  expect(hostCheck([note, { ...note, level: "required" }]).ok).toBe(false);
  expect(stepLine({ ...note, level: "required", hint: "do this" })).toBe("FAILED   soft dirty: no\n         > do this");
});

test.each([
  ["Version: 4.2.1\n", "4.2.1"],
  ["runc version 1.1.5+ds1\ncommit: 1.1.5", "1.1.5+ds1"],
  ["btrfs-progs v6.2\n", "6.2"],
  ["nothing", undefined],
])("finds the version in %j", (printed, version) => {
  expect(versionIn(printed)).toBe(version);
});
