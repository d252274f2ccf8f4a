import { expect, it } from "vitest";
import { checkpointArguments, restoreArguments } from "./arguments.ts";
import { criuConfigurationText } from "./configuration.ts";

const folders = { imagesFolder: "/run/i", workFolder: "/var/w" };
const container = { id: "web", runtimeRoot: "/run/runc", bundle: "/run/b", criuConfigPath: "/run/b/criu.conf" };

it("dumps, and leaves the tasks running only where that is asked for", () => {
  const text = checkpointArguments({ container, ...folders }).join(" ");
  expect(text).toBe(
    "--root /run/runc checkpoint --image-path /run/i --work-path /var/w --tcp-established --file-locks --ext-unix-sk web",
  );
  expect(checkpointArguments({ container, ...folders, leavesRunning: true })).toContain("--leave-running");
});

it("restores lazily where its memory is filled afterwards", () => {
  expect(restoreArguments({ ...folders, lazy: true })).toContain("--lazy-pages");
  expect(restoreArguments({ ...folders, lazy: false })).not.toContain("--lazy-pages");
});

it("names in the configuration file the gate, the page server and what becomes of connections", () => {
  expect(criuConfigurationText({ gateScript: "/var/w/gate" }).split("\n")).toContain("action-script /var/w/gate");
  expect(criuConfigurationText({ gateScript: "/g" })).not.toContain("page-server");
  expect(criuConfigurationText({ gateScript: "/g" })).toContain("tcp-established\n");
  expect(criuConfigurationText({ gateScript: "/g", closesConnections: true })).not.toContain("tcp-established");
  expect(criuConfigurationText({ gateScript: "/g", pageSocket: 9 })).toContain("page-server\nps-socket 9\n");
});
