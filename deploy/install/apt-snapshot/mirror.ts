/**
 * The Debian mirror among the machine's apt sources, from what `apt-get update --print-uris` prints:
 * one line an index, `'http://mirror/debian/dists/bookworm/InRelease' name size`. Others publish for a
 * Debian release under its codename too; only Debian itself also has the `-updates` suite beside it.
 */
export function findMirror(printedUris: string, codename: string): string | undefined {
  const suitesOf = new Map<string, Set<string>>();
  for (const [, base = "", suite = ""] of printedUris.matchAll(
    /^'([^']+?)\/+dists\/([^']+)\/(?:InRelease|Release)'/gm,
  )) {
    const suites = suitesOf.get(base) ?? new Set<string>();
    suitesOf.set(base, suites.add(suite));
  }
  const candidates = [...suitesOf].filter(
    ([, suites]) => suites.has(codename) || suites.has("stable") || suites.has("testing"),
  );
  const withUpdates = candidates.find(
    ([, suites]) => suites.has(`${codename}-updates`) || suites.has("stable-updates"),
  );
  const likely = candidates.find(([base]) => base.endsWith("/debian"));
  return (withUpdates ?? likely ?? candidates[0])?.[0];
}
