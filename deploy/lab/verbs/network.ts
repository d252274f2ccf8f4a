import { boxNames } from "../address.ts";
import { requireAnchor } from "../anchor.ts";
import { labLayout } from "../layout.ts";
import { withLock } from "../lock.ts";
import { applyCuts, cutsOf } from "../partition.ts";
import type { Cut } from "../partition.ts";
import { requireRoot } from "../preflight.ts";
import { requireState, writeState } from "../state.ts";

export interface PartitionOptions {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly from: readonly string[];
  readonly oneWay: boolean;
}

/** Cuts hosts off, beside what is cut already. Returns all that is cut now. */
export async function partition({ name, hosts, from, oneWay }: PartitionOptions): Promise<readonly Cut[]> {
  return changeCuts(name, (before, all) => {
    const added = cutsOf({ hosts, from, oneWay, all });
    return [...before, ...added.filter((cut) => !before.some((old) => old.from === cut.from && old.to === cut.to))];
  });
}

/** Takes all cuts back. */
export async function heal(name: string): Promise<void> {
  await changeCuts(name, () => []);
}

async function changeCuts(
  name: string,
  change: (before: readonly Cut[], all: readonly string[]) => readonly Cut[],
): Promise<readonly Cut[]> {
  requireRoot();
  const lab = labLayout(name);
  return withLock(lab, async () => {
    const state = requireState(lab);
    const cuts = change(state.cuts, boxNames(state));
    await applyCuts(requireAnchor(lab).pid, cuts);
    writeState(lab, { ...state, cuts: [...cuts] });
    return cuts;
  });
}
