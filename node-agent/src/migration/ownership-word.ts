import { abortReplySchema, commitReplySchema, outcomeReplySchema } from "@vfleet/shared";
import type { Outcome } from "@vfleet/criu-bridge";
import type { ControllerLink } from "../link/controller-link.ts";

/** The ownership record's word on a move. Where the controller can't be asked it rejects: that is no word. */
export class OwnershipWord {
  readonly #link: Pick<ControllerLink, "request">;

  constructor(link: Pick<ControllerLink, "request">) {
    this.#link = link;
  }

  /** Takes the server over, as a compare-and-set. Repeating it changes nothing. */
  async commit(request: { operation: string; uid: string; epoch: number }): Promise<Outcome> {
    const { outcome } = await this.#link.request({ kind: "migration.commit", ...request }, commitReplySchema);
    return outcome === "committed" ? "committed" : "aborted";
  }

  async abort({ operation, uid, reason }: { operation: string; uid: string; reason: string }): Promise<Outcome> {
    const request = { kind: "migration.abort", operation, uid, reason: reason.slice(0, 1000) } as const;
    return (await this.#link.request(request, abortReplySchema)).outcome;
  }

  async outcome(operation: string): Promise<Outcome> {
    return (await this.#link.request({ kind: "migration.outcome", operation }, outcomeReplySchema)).outcome;
  }
}
