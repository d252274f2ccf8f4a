/** A file of apt sources of Debian itself, in either of apt's formats (sources.list(5)). */
export interface SourcesFile {
  path: string;
  text: string;
}

/** Suites without updates and security of their own. */
const rolling = new Set(["sid", "unstable", "experimental"]);

/**
 * What mmdebstrap is given as sources of `suite`: the host's own files where they are of that suite, else lines for it with the
 * host's mirrors. None where the host has none: mmdebstrap knows the official ones.
 */
export function sourcesOf(suite: string, files: readonly SourcesFile[]): string[] {
  const fitting = files.filter(({ text }) => suitesIn(text).has(suite));
  if (fitting.length > 0) return fitting.map(({ path }) => path);
  const mirrors = [...new Set(files.flatMap(({ text }) => urisIn(text)))];
  return mirrors.flatMap((uri) => {
    const names = uri.includes("security") ? [`${suite}-security`] : [suite, `${suite}-updates`];
    return (rolling.has(suite) ? names.filter((name) => name === suite) : names).map(
      (name) => `deb ${uri} ${name} main`,
    );
  });
}

function suitesIn(text: string): Set<string> {
  return new Set(entriesIn(text).flatMap(({ suites }) => suites));
}

function urisIn(text: string): string[] {
  return entriesIn(text).flatMap(({ uris }) => uris.map((uri) => uri.replace(/\/$/, "")));
}

function entriesIn(text: string): { uris: string[]; suites: string[] }[] {
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  const classic = lines.flatMap((line) => {
    const [, uri, suite] = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line) ?? [];
    return uri === undefined || suite === undefined ? [] : [{ uris: [uri], suites: [suite] }];
  });
  const stanzas = lines.join("\n").split(/\n\s*\n/);
  const deb822 = stanzas.flatMap((stanza) => {
    const [uris, suites] = [fieldOf(stanza, "URIs"), fieldOf(stanza, "Suites")];
    return uris.length === 0 || !fieldOf(stanza, "Types").includes("deb") ? [] : [{ uris, suites }];
  });
  return [...classic, ...deb822];
}

function fieldOf(stanza: string, name: string): string[] {
  const value = new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, "im").exec(stanza)?.[1] ?? "";
  return value.split(/\s+/).filter((word) => word !== "");
}
