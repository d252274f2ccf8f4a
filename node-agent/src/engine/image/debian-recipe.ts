import { createHash } from "node:crypto";
import type { ImageAssignment } from "@vfleet/shared";

export type DebianRecipe = Extract<ImageAssignment["source"], { debootstrap: unknown }>["debootstrap"];

/** Grows when the same recipe begins to make something else. */
const recipeVersion = 2;
/** What every server needs: tools to look at it, and no more. */
const basePackages = ["ca-certificates", "iproute2", "iputils-ping", "procps"];

/** Name of what a recipe makes, in a cache. */
export function recipeKey(recipe: DebianRecipe, architecture: string): string {
  const canonical = JSON.stringify({
    recipeVersion,
    architecture,
    suite: recipe.suite,
    packages: recipe.packages.toSorted(),
    mirror: recipe.mirror ?? "host",
  });
  return createHash("sha256").update(canonical).digest("hex").slice(0, 32);
}

export interface BuildPlace {
  /** Tar that is made. */
  tarFile: string;
  /** HTTP proxy for packages. */
  packageProxy: string | undefined;
  /** Files, lines or a mirror, as mmdebstrap takes them; none: the official ones. */
  sources: readonly string[];
}

/** Arguments of mmdebstrap(1): a minimal root with the packages, no package lists, and no service started while it is made. */
export function buildArguments(recipe: DebianRecipe, place: BuildPlace): string[] {
  const packages = [...new Set([...basePackages, ...recipe.packages])];
  return [
    "mmdebstrap",
    "--quiet",
    "--mode=root",
    "--variant=minbase",
    `--include=${packages.join(",")}`,
    ...(place.packageProxy === undefined
      ? []
      : [
          `--aptopt=Acquire::http::Proxy "${place.packageProxy}"`,
          `--aptopt=Acquire::https::Proxy "${place.packageProxy}"`,
        ]),
    // A package's start script asks policy-rc.d first.
    '--essential-hook=printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"',
    // An empty machine-id is one that each server makes at its first start (machine-id(5)).
    '--customize-hook=rm -f "$1/usr/sbin/policy-rc.d" "$1/etc/hostname" "$1/etc/resolv.conf"; : > "$1/etc/machine-id"',
    '--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"',
    "--skip=cleanup/reproducible",
    "--format=tar",
    recipe.suite,
    place.tarFile,
    ...place.sources,
  ];
}
