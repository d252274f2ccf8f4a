import { existsSync, rmSync } from "node:fs";
import { InstallError } from "../install-error.ts";
import { run } from "../run.ts";
import { findMirror } from "./mirror.ts";
import { AptSnapshot } from "./snapshot.ts";

const keyrings = ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];

export interface SnapshotsOptions {
  readonly folder: string;
  readonly codename: string;
  readonly mirror: string | undefined;
}

/** The suites in use, each opened once and on first need. */
export class AptSnapshots {
  readonly #options: SnapshotsOptions;
  readonly #open = new Map<string, AptSnapshot>();

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  suite(suite: string): AptSnapshot {
    const opened = this.#open.get(suite);
    if (opened !== undefined) return opened;
    const snapshot = AptSnapshot.open(`${this.#options.folder}/${suite}`, {
      suite,
      mirror: this.#mirror(),
      keyring: findKeyring(),
    });
    this.#open.set(suite, snapshot);
    return snapshot;
  }

  close(): void {
    for (const snapshot of this.#open.values()) snapshot.close();
    this.#open.clear();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  #mirror(): string {
    const mirror = this.#options.mirror ?? systemMirror(this.#options.codename);
    if (mirror !== undefined) return mirror;
    throw new InstallError(
      "MIRROR_UNKNOWN",
      "apt's sources name no Debian mirror",
      "Name one with --mirror URL, or add one to /etc/apt/sources.list",
    );
  }
}

/** Asks apt, which knows every form that sources can have; needs no network. */
function systemMirror(codename: string): string | undefined {
  return findMirror(run(["apt-get", "update", "--print-uris"]).stdout, codename);
}

function findKeyring(): string {
  const found = keyrings.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new InstallError(
    "ARCHIVE_UNREACHABLE",
    "the Debian archive keys are not there",
    "Install the package debian-archive-keyring",
  );
}
