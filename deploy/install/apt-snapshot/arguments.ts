/** An apt state of its own: another suite can be read without a trace in the system's sources, lists or package status. */
export interface SnapshotLayout {
  readonly folder: string;
  readonly sourcesFile: string;
  readonly statusFile: string;
  readonly listsFolder: string;
  readonly cacheFolder: string;
  readonly downloadFolder: string;
}

export function snapshotLayout(folder: string): SnapshotLayout {
  return {
    folder,
    sourcesFile: `${folder}/sources.list`,
    statusFile: `${folder}/status`,
    listsFolder: `${folder}/lists`,
    cacheFolder: `${folder}/cache`,
    downloadFolder: `${folder}/download`,
  };
}

export interface Suite {
  readonly mirror: string;
  readonly suite: string;
  readonly keyring: string;
}

/** One line of sources.list(5). */
export function sourcesLine({ mirror, suite, keyring }: Suite): string {
  return `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`;
}

/** Given on the command line because apt reads the system's configuration, which may hold a needed proxy, after a file of ours. */
export function snapshotOptions(layout: SnapshotLayout): readonly string[] {
  const settings: Readonly<Record<string, string>> = {
    "Dir::Etc::SourceList": layout.sourcesFile,
    "Dir::Etc::SourceParts": "-",
    "Dir::Etc::Preferences": "-",
    "Dir::Etc::PreferencesParts": "-",
    "Dir::State::Status": layout.statusFile,
    "Dir::State::Lists": layout.listsFolder,
    "Dir::State::extended_states": `${layout.folder}/extended_states`,
    "Dir::Cache": layout.cacheFolder,
    "Dir::Cache::Archives": `${layout.cacheFolder}/archives`,
    "Dir::Cache::pkgcache": "pkgcache.bin",
    "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
    "Acquire::Languages": "none",
    // The folder is root's own; apt's download user could not write there.
    "APT::Sandbox::User": "root",
  };
  return Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
}
