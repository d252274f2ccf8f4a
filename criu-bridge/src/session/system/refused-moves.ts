import { makeCertificates, type Validity } from "./certificates.ts";
import type { FaultPlan } from "./frame-proxy.ts";
import {
  endAtTarget,
  expectMove,
  identityOf,
  proxiedMove,
  type MovesOptions,
  type ProxiedMove,
  type ProxiedMoveOptions,
} from "./proxied-move.ts";

/** Why a move must not be had. */
export type Wrong =
  | "ticket-expired"
  | "ticket-of-another-move"
  | "ticket-of-another-node"
  | "source-not-yet"
  | "source-no-more"
  | "target-not-yet"
  | "target-no-more";

export interface RefusedMoves {
  wrong: Record<Wrong, ProxiedMove>;
  /** A second connection shows its ticket, too. */
  shared: ProxiedMove;
  afterwards: ProxiedMove;
}

const notYet: Validity = { fromDays: 1, toDays: 2 };
const noMore: Validity = { fromDays: -2, toDays: -1 };
const harmless: FaultPlan = { fault: "cut", place: undefined, seed: 0 };
const sayHelloTwice: FaultPlan = {
  fault: "repeat",
  place: { direction: "to-target", kind: "hello", nth: 0 },
  seed: 0,
};

/** Tries to move the server in each of these ways, then as it should be. */
export async function refusedMoves(options: MovesOptions): Promise<RefusedMoves> {
  const { box } = options;
  const showing = (name: string, validity?: Validity): string => {
    const folder = `${box}/shown-${name}-${validity?.fromDays ?? 0}`;
    makeCertificates(`${box}/ca`, folder, `node:${name}`, validity);
    return folder;
  };
  let number = 0;
  const move = (about: Partial<ProxiedMoveOptions> = {}) =>
    proxiedMove(options, { from: "a", number: ++number, plan: harmless, ...about });
  return {
    wrong: {
      "ticket-expired": await move({ ticketLifetimeMs: 0 }),
      "ticket-of-another-move": await withTicketOf(options, ++number, (ticket) => move({ ticket })),
      "ticket-of-another-node": await move({ certificates: { source: showing("c") } }),
      "source-not-yet": await move({ certificates: { source: showing("a", notYet) } }),
      "source-no-more": await move({ certificates: { source: showing("a", noMore) } }),
      "target-not-yet": await move({ certificates: { target: showing("b", notYet) } }),
      "target-no-more": await move({ certificates: { target: showing("b", noMore) } }),
    },
    shared: await move({ plan: sayHelloTwice }),
    afterwards: await move({ from: "b" }),
  };
}

/** With the ticket of a move that doesn't take place. */
async function withTicketOf<T>(options: MovesOptions, number: number, use: (ticket: string) => Promise<T>): Promise<T> {
  const identity = identityOf(options, { from: "a", number });
  const { ticket } = await expectMove(options, identity);
  const used = await use(ticket);
  await endAtTarget(options, identity);
  return used;
}
