import type { Migration } from "@vfleet/shared";
import type { Fleet } from "./fleet.ts";
import { until } from "./program.ts";

type MoveStatus = NonNullable<Migration["status"]>;

const moveLimitMs = 90_000;

/** What a counter says of a server that kept its connection and every answered write. */
export const kept = { connectionKept: true, writesLost: 0 };

/** The last move of a server. */
async function lastMove(fleet: Fleet, server: string): Promise<Migration | undefined> {
  return (await fleet.migrationsOf(server)).at(-1);
}

/** What became of the last move of a server, once it has ended. */
export function endedMove(fleet: Fleet, server: string, deadlineMs?: number): Promise<MoveStatus> {
  const is = ({ endedAt }: MoveStatus) => endedAt !== undefined;
  return moveWhere(fleet, server, { what: "the move to end", is, deadlineMs });
}

/** Waits until the last move of a server has come to one of these phases. */
export function moveIn(
  fleet: Fleet,
  server: string,
  ...phases: readonly NonNullable<MoveStatus["phase"]>[]
): Promise<MoveStatus> {
  const is = ({ phase }: MoveStatus) => phase !== undefined && phases.includes(phase);
  return moveWhere(fleet, server, { what: `the move to be ${phases.join(" or ")}`, is });
}

/** Waits until what is told of the last move of a server is as asked for; fails where it has ended meanwhile. */
export function moveWhere(
  fleet: Fleet,
  server: string,
  {
    what,
    is,
    deadlineMs = moveLimitMs,
  }: { what: string; is: (status: MoveStatus) => boolean; deadlineMs?: number | undefined },
): Promise<MoveStatus> {
  return until(what, deadlineMs, async () => {
    const status = (await lastMove(fleet, server))?.status;
    if (status === undefined || is(status)) return status;
    if (status.endedAt !== undefined) throw new Error(`waited for ${what}, it is ${status.phase}: ${status.message}`);
    return undefined;
  });
}
