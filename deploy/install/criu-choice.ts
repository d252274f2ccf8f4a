import { compareVersions, isAtLeast } from "@vfleet/shared";
import type { CriuChoice } from "./options.ts";

export type CriuSource = "distribution" | "private";

/** The first kernel whose sockets CRIU before 4.2 cannot dump: SO_PASSCRED exists only on unix sockets since then. */
const firstKernelNeedingCriu42 = "6.16";
/** The newest kernel line with which CRIU 3.17 was seen working: later ones changed the layout of the vDSO. */
const lastKernelOfCriu317 = "6.1";

/**
 * Which CRIU to try, best first. A probe has the last word: this only saves installing one that is known to fail.
 * The distribution's is preferred because it gets its security updates by itself.
 */
export function criuCandidates(options: {
  readonly choice: CriuChoice;
  readonly kernelRelease: string;
  /** Version that the machine's sources offer, if any. */
  readonly distributionVersion: string | undefined;
}): readonly CriuSource[] {
  if (options.choice !== "auto") return [options.choice];
  const { distributionVersion } = options;
  if (distributionVersion === undefined) return ["private"];
  return isKnownToFail(distributionVersion, options.kernelRelease) ? ["private"] : ["distribution", "private"];
}

function isKnownToFail(criuVersion: string, kernelRelease: string): boolean {
  if (isAtLeast(criuVersion, "4.2")) return false;
  if (isAtLeast(kernelRelease, firstKernelNeedingCriu42)) return true;
  const kernelLine = kernelRelease.split(".").slice(0, 2).join(".");
  return !isAtLeast(criuVersion, "4.0") && compareVersions(kernelLine, lastKernelOfCriu317) > 0;
}
