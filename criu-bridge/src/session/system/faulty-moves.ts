import type { Fault, FramePlace, KindSeen } from "./frame-proxy.ts";
import { otherHost, proxiedMove, type MovesOptions, type ProxiedMove } from "./proxied-move.ts";

export interface FaultyMove extends ProxiedMove {
  /** None: a move that goes through, before the others. */
  place: FramePlace | undefined;
}

export interface FaultyMovesOptions extends MovesOptions {
  fault: Fault;
  /** Of each kind of frame so many are harmed, one after the other: the first, the last and some in between. */
  perKind: number;
  /** None: all. */
  kinds: readonly string[];
}

/** Moves the server again and again: once unharmed, to see what frames there are, then each time with another one of them harmed. */
export async function faultyMoves(options: FaultyMovesOptions): Promise<FaultyMove[]> {
  const moves: FaultyMove[] = [];
  let from = "a";
  const add = async (place: FramePlace | undefined): Promise<readonly KindSeen[]> => {
    const number = moves.length;
    // A prime, so that every bit has its turn.
    const plan = { fault: options.fault, place, seed: number * 37 };
    const move = await proxiedMove(options, { from, number, plan });
    moves.push({ ...move, place });
    if (move.outcome === "committed") from = otherHost(options.hosts, from);
    if (!isRunning(move)) await startAgain(options, from);
    return move.kinds;
  };
  const seen = await add(undefined);
  const isWanted = ({ kind }: KindSeen) => options.kinds.length === 0 || options.kinds.includes(kind);
  for (const { direction, kind, frames } of seen.filter(isWanted))
    for (const nth of spread(frames, options.perKind)) await add({ direction, kind, nth });
  return moves;
}

/** Up to `limit` of the first `count` numbers, the first and the last among them. */
function spread(count: number, limit: number): number[] {
  if (count <= limit) return Array.from({ length: count }, (_, index) => index);
  if (limit === 1) return [0];
  return Array.from({ length: limit }, (_, index) => Math.round((index * (count - 1)) / (limit - 1)));
}

function isRunning({ held }: ProxiedMove): boolean {
  return Object.values(held).some((things) => things.includes("tasks"));
}

/** As an agent does by a server's restart policy. */
async function startAgain({ at, client }: MovesOptions, host: string): Promise<void> {
  at(host).send({ kind: "start-server" });
  await at(host).next("ready");
  await client.renew();
}
