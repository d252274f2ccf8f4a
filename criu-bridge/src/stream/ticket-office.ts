import { createHash, randomBytes } from "node:crypto";
import type { Environment } from "@vfleet/shared";
import { fail } from "../errors.ts";
import type { MigrationIdentity } from "../session/ports.ts";

interface Issued {
  identity: MigrationIdentity;
  expiresAtMs: number;
}

/** Makes and takes back the one-use tickets with which a source may begin to send. Only their digests are kept. */
export class TicketOffice {
  readonly #environment: Pick<Environment, "monotonicMs">;
  readonly #issued = new Map<string, Issued>();

  constructor(environment: Pick<Environment, "monotonicMs">) {
    this.#environment = environment;
  }

  /** A ticket for this move only. Drawn from the system's cryptographic source: it is a secret, not a simulated choice. */
  issue(identity: MigrationIdentity, lifetimeMs: number): string {
    this.#expire();
    const ticket = randomBytes(32).toString("base64url");
    this.#issued.set(digest(ticket), { identity, expiresAtMs: this.#environment.monotonicMs() + lifetimeMs });
    return ticket;
  }

  /** The move a ticket was made for; throws unless `peer` is its source and it is fresh. Whatever the answer, the ticket is used up. */
  redeem(ticket: string, claimed: MigrationIdentity, peer: string): MigrationIdentity {
    const key = digest(ticket);
    const issued = this.#issued.get(key);
    this.#issued.delete(key);
    const refuse = (reason: string) => fail("ticket-refused", { operation: claimed.operation, reason });
    if (issued === undefined) throw refuse("its ticket is unknown or was used");
    if (issued.expiresAtMs <= this.#environment.monotonicMs()) throw refuse("its ticket has expired");
    if (issued.identity.source !== peer)
      throw refuse(`its ticket is for node ${issued.identity.source}, presented by ${peer}`);
    const { operation, server, source, target, epoch } = issued.identity;
    const same =
      claimed.operation === operation &&
      claimed.server === server &&
      claimed.source === source &&
      claimed.target === target &&
      claimed.epoch === epoch;
    if (!same) throw refuse("its ticket is for another move");
    return issued.identity;
  }

  #expire(): void {
    const now = this.#environment.monotonicMs();
    for (const [key, issued] of this.#issued) if (issued.expiresAtMs <= now) this.#issued.delete(key);
  }
}

function digest(ticket: string): string {
  return createHash("sha256").update(ticket).digest("base64");
}
