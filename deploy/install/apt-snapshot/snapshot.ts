import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { InstallError } from "../install-error.ts";
import { mustRun, run } from "../run.ts";
import { snapshotLayout, snapshotOptions, sourcesLine } from "./arguments.ts";
import type { SnapshotLayout, Suite } from "./arguments.ts";
import { libraryClosure } from "./closure.ts";

/** A Debian suite other than the machine's own, to take single packages from. */
export class AptSnapshot {
  readonly suite: string;
  readonly #layout: SnapshotLayout;
  readonly #options: readonly string[];

  private constructor(suite: string, layout: SnapshotLayout) {
    this.suite = suite;
    this.#layout = layout;
    this.#options = snapshotOptions(layout);
  }

  /** Fetches the suite's package list and verifies its signature. Call `close` afterwards. */
  static open(folder: string, source: Suite): AptSnapshot {
    const layout = snapshotLayout(folder);
    rmSync(folder, { recursive: true, force: true });
    for (const each of [
      `${layout.listsFolder}/partial`,
      `${layout.cacheFolder}/archives/partial`,
      layout.downloadFolder,
    ]) {
      mkdirSync(each, { recursive: true });
    }
    writeFileSync(layout.statusFile, "");
    writeFileSync(layout.sourcesFile, sourcesLine(source));
    const updated = run(["apt-get", ...snapshotOptions(layout), "-q", "-o", "APT::Update::Error-Mode=any", "update"]);
    if (!updated.ok) {
      rmSync(folder, { recursive: true, force: true });
      const lastWords = updated.stderr.trim().split("\n").slice(-3).join("\n");
      throw new InstallError(
        "ARCHIVE_UNREACHABLE",
        `${source.suite} from ${source.mirror}`,
        `See that the machine reaches its mirror, or name another with --mirror\n${lastWords}`,
      );
    }
    return new AptSnapshot(source.suite, layout);
  }

  /** The version that would be had, if the suite has the package. */
  version(name: string): string | undefined {
    const shown = run(["apt-cache", ...this.#options, "--no-all-versions", "show", name]);
    return /^Version: (\S+)$/m.exec(shown.stdout)?.[1];
  }

  /** Unpacks the package, with the shared libraries it needs if asked, as `target`; there whole or not at all. */
  unpack(name: string, options: { readonly target: string; readonly withLibraries: boolean }): void {
    const packages = options.withLibraries ? this.#closure(name) : [name];
    rmSync(this.#layout.downloadFolder, { recursive: true, force: true });
    mkdirSync(this.#layout.downloadFolder, { recursive: true });
    mustRun(["apt-get", ...this.#options, "-q", "download", ...packages], { cwd: this.#layout.downloadFolder });
    const unfinished = `${options.target}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    for (const file of readdirSync(this.#layout.downloadFolder)) {
      mustRun(["dpkg-deb", "--extract", `${this.#layout.downloadFolder}/${file}`, unfinished]);
    }
    rmSync(options.target, { recursive: true, force: true });
    renameSync(unfinished, options.target);
  }

  close(): void {
    rmSync(this.#layout.folder, { recursive: true, force: true });
  }

  #closure(name: string): readonly string[] {
    const simulated = mustRun(["apt-get", ...this.#options, "--simulate", "--no-install-recommends", "install", name]);
    return libraryClosure(simulated, name);
  }
}
