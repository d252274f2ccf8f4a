import { expect, it } from "vitest";
import { checkpointArguments, restoreArguments } from "./arguments.ts";
import { criuConfigurationText } from "./configuration.ts";

const folders = { imagesFolder: "/run/i", workFolder: "/var/w" };
const container = { id: "web", runtimeRoot: "/run/runc", bundle: "/run/b", criuConfigPath: "/run/b/criu.conf" };

it("dumps and never leaves the tasks running by itself", () => {
  const text = checkpointArguments({ container, ...folders }).join(" ");
  expect(text).toBe(
    "--root /run/runc checkpoint --image-path /run/i --work-path /var/w --tcp-established --file-locks --ext-unix-sk web",
  );
  expect(text).not.toContain("leave-running");
});

it("restores lazily where its memory is filled afterwards", () => {
  expect(restoreArguments({ ...folders, lazy: true })).toContain("--lazy-pages");
  expect(restoreArguments({ ...folders, lazy: false })).not.toContain("--lazy-pages");
});

it("names the gate in the configuration file", () => {
  expect(criuConfigurationText({ gateScript: "/var/w/gate" }).split("\n")).toContain("action-script /var/w/gate");
  expect(criuConfigurationText({ gateScript: "/g" })).not.toContain("page-server");
  expect(criuConfigurationText({ gateScript: "/g", pageSocket: 9 })).toContain("page-server\nps-socket 9\n");
});
