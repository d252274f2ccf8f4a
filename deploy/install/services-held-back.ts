import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mustRun } from "./run.ts";

const policyFile = "/usr/sbin/policy-rc.d";
const marker = "# vfleet's installer, remove me";
/** 101 forbids the action (the interface is Debian's invoke-rc.d(8)). */
const denyAll = `#!/bin/sh\n${marker}\nexit 101\n`;

/**
 * Runs a package command during which no package may start a service. A policy that the administrator has is
 * covered by a mount that only the command and its children see, so that a crash cannot leave it changed.
 */
export function runWithServicesHeldBack(command: readonly string[]): void {
  removeLeftPolicy();
  if (!existsSync(policyFile)) {
    writeFileSync(policyFile, denyAll, { mode: 0o755 });
    try {
      mustRun(command, { env: { DEBIAN_FRONTEND: "noninteractive" } });
    } finally {
      removeLeftPolicy();
    }
    return;
  }
  const folder = mkdtempSync("/tmp/vfleet-install-");
  try {
    const cover = `${folder}/policy-rc.d`;
    writeFileSync(cover, denyAll);
    chmodSync(cover, 0o755);
    const script = new URL("with-cover.sh", import.meta.url).pathname;
    mustRun(["unshare", "--mount", "--propagation", "private", "sh", script, cover, policyFile, ...command], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An earlier run that was killed may have left it; it would hold back every service for good. */
function removeLeftPolicy(): void {
  if (existsSync(policyFile) && readFileSync(policyFile, "utf8").includes(marker)) rmSync(policyFile);
}
