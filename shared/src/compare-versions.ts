/** The leading numbers of a version: "4.2.1-1" is [4, 2, 1], "6.18.44-cloud-amd64" is [6, 18, 44]. */
function versionNumbers(version: string): readonly number[] {
  const match = /^\D*(\d+(?:\.\d+)*)/.exec(version);
  return match?.[1]?.split(".").map(Number) ?? [];
}

/** Negative, zero or positive, as `left` is older than, as old as or newer than `right`. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [versionNumbers(left), versionNumbers(right)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function isAtLeast(version: string, minimum: string): boolean {
  return compareVersions(version, minimum) >= 0;
}
