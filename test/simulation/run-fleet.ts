import { imageKind, messageOf, virtualServerKind } from "@vfleet/shared";
import { FleetChaos, make, makeServer } from "./fleet-chaos.ts";
import { unquiet } from "./fleet-quiet.ts";
import { Violation } from "./fleet-checks.ts";
import { FleetWorld } from "./fleet-world.ts";
import { noMutants, type Mutants } from "./model/mutants.ts";

const beginLimitMs = 60_000;
const quietLimitMs = 900_000;
const lookMs = 1000;

export interface FleetRun {
  seed: number;
  digest: string;
  /** What happened, enough to see that something did. */
  figures: { runs: number; writes: number; moves: number; takeovers: number; virtualMs: number };
  failure?: { invariant: string; message: string; lines: readonly string[] };
}

export interface FleetRunOptions {
  mutants?: Partial<Mutants>;
  hasFailover?: boolean;
  hasLongFaults?: boolean;
}

/** One run: a fleet begins, everything goes wrong for a while, then nothing does, and all must be well. */
export async function runFleet(seed: number, { mutants = {}, ...options }: FleetRunOptions = {}): Promise<FleetRun> {
  const world = new FleetWorld({ seed, hosts: 3, mutants: { ...noMutants, ...mutants }, ...options });
  const { kernel, checks } = world;
  let failure: FleetRun["failure"];
  try {
    await begin(world);
    const untilMs = kernel.nowMs + kernel.random.between(10_000, 60_000);
    const chaos = new FleetChaos(world, untilMs);
    await kernel.runUntil(untilMs);
    void chaos;
    world.heal();
    kernel.note("all is well again");
    await kernel.runUntil(kernel.nowMs + 5000);
    await untilNothing(world, quietLimitMs);
  } catch (thrown) {
    const invariant = thrown instanceof Violation ? thrown.invariant : "error";
    failure = { invariant, message: messageOf(thrown), lines: [...kernel.lastLines] };
    if (!(thrown instanceof Violation) && thrown instanceof Error) failure.message = thrown.stack ?? failure.message;
  }
  return {
    seed,
    digest: kernel.digest,
    figures: {
      runs: checks.runs,
      writes: checks.writes,
      moves: checks.commits,
      takeovers: checks.takeovers,
      virtualMs: kernel.nowMs,
    },
    ...(failure === undefined ? {} : { failure }),
  };
}

async function begin(world: FleetWorld): Promise<void> {
  const { kernel } = world;
  await kernel.runUntil(beginLimitMs, () => world.store !== undefined);
  make(world, imageKind, { metadata: { name: "debian" }, spec: { source: { debootstrap: {} } } });
  const count = 2 + kernel.random.below(3);
  for (let number = 1; number <= count; number++) makeServer(world, `server-${number}`);
  await kernel.runUntil(kernel.nowMs + 1000);
  await untilNothing(world, beginLimitMs);
  const made = world.store?.list(virtualServerKind).items.length ?? 0;
  if (made !== count) throw new Violation("I2", `${made} of ${count} servers are there`);
}

/** Until there is nothing left to complain of. */
async function untilNothing(world: FleetWorld, limitMs: number): Promise<void> {
  const { kernel } = world;
  const limit = kernel.nowMs + limitMs;
  for (;;) {
    const complaints = unquiet(world);
    if (complaints.length === 0) return;
    if (kernel.nowMs > limit) throw new Violation("I2/I6", `not within ${limitMs / 1000} s:\n${complaints.join("\n")}`);
    await kernel.runUntil(kernel.nowMs + lookMs);
  }
}
