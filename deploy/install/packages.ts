import { existsSync } from "node:fs";
import type { PackageChoice } from "./package-list.ts";
import type { Report } from "./report.ts";
import { mustRun, run } from "./run.ts";
import { runWithServicesHeldBack } from "./services-held-back.ts";

/** Versions by name of those packages that are wholly installed. */
export function installedVersions(names: readonly string[]): ReadonlyMap<string, string> {
  const format = "${binary:Package} ${Version} ${db:Status-Abbrev}\n";
  return parseInstalled(run(["dpkg-query", "--show", `--showformat=${format}`, ...names]).stdout);
}

export function parseInstalled(dpkgQueryOutput: string): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  for (const line of dpkgQueryOutput.split("\n")) {
    const [name = "", version = "", status = ""] = line.trim().split(/\s+/);
    if (status === "ii" || status === "hi") versions.set(name.replace(/:.*/, ""), version);
  }
  return versions;
}

/** Installs what is missing of `choices` from the machine's own sources. */
export function installPackages(choices: readonly PackageChoice[], report: Report, checkOnly: boolean): void {
  const present = installedVersions(choices.map(({ name }) => name));
  for (const { name } of choices) {
    const version = present.get(name);
    if (version !== undefined) report.add({ name, state: "ok", detail: version });
  }
  const missing = choices.filter(({ name }) => !present.has(name));
  if (missing.length === 0) return;
  if (checkOnly) {
    for (const { name, purpose } of missing)
      report.add({ name, state: "missing", detail: `not installed (${purpose})` });
    return;
  }
  report.doing(`installing ${missing.map(({ name }) => name).join(" ")}`);
  aptInstall(missing.map(({ name }) => name));
  disableUnits(missing.flatMap(({ units }) => units ?? []));
  const versions = installedVersions(missing.map(({ name }) => name));
  for (const { name, purpose } of missing) {
    report.add({ name, state: "changed", detail: `installed ${versions.get(name) ?? ""} (${purpose})` });
  }
}

function aptInstall(names: readonly string[]): void {
  const install = ["apt-get", "-q", "-y", "--no-install-recommends", "install", ...names];
  // With lists from some earlier day this often works at once and saves the update.
  const simulated = run([...install, "--simulate"]);
  if (simulated.ok) {
    try {
      runWithServicesHeldBack(install);
      return;
    } catch {
      // The lists may name versions that the mirror no longer has: the update below decides.
    }
  }
  mustRun(["apt-get", "-q", "update"]);
  runWithServicesHeldBack(install);
}

/**
 * Only of packages that were just installed: one that was there before is the administrator's. Done the way that
 * packages do it themselves, which also works where systemd isn't running.
 */
function disableUnits(units: readonly string[]): void {
  for (const unit of units) {
    if (existsSync(`/lib/systemd/system/${unit}`)) run(["deb-systemd-helper", "disable", unit]);
    const script = unit.replace(/\.service$/, "");
    if (existsSync(`/etc/init.d/${script}`)) run(["update-rc.d", script, "disable"]);
  }
}
