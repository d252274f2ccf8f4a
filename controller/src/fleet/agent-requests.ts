import type { NodeAssignment, RequestMessage } from "@vfleet/shared";
import type { ObjectStore } from "../store/object-store.ts";
import { migrationKind, virtualServerKind, type Migration } from "@vfleet/shared";
import { fail } from "../errors.ts";
import type { Ownership } from "../ownership/ownership.ts";
import type { Outcome } from "../ownership/record.ts";

export interface AgentRequestSources {
  store: ObjectStore;
  ownership: Ownership;
  assignment: (node: string) => NodeAssignment | undefined;
  /** Hears it; gives how long from before it asked it may run what ends with its lease. */
  lease: (node: string) => number;
}

/** Answers what agents ask. Each answer about an operation is the ownership record's word, never a guess. */
export async function answerAgent(
  sources: AgentRequestSources,
  node: string,
  request: RequestMessage,
): Promise<unknown> {
  const { ownership } = sources;
  switch (request.kind) {
    case "sync":
      if (request.term !== undefined) await renewTerms(sources, node, request.term);
      return (
        sources.assignment(node) ?? {
          node,
          revision: 0,
          servers: [],
          releases: [],
          images: [],
        }
      );
    case "heartbeat":
      return { leaseMs: sources.lease(node) };
    case "migration.commit":
      return ownership.commit(request.uid, { id: request.operation, node, epoch: request.epoch });
    case "migration.outcome":
      return { outcome: await outcome(sources, request.operation) };
    case "migration.abort":
      return { outcome: await abort(sources, node, request) };
  }
  throw fail("request-unknown", { node });
}

async function renewTerms({ ownership, assignment }: AgentRequestSources, node: string, term: string): Promise<void> {
  const servers = assignment(node)?.servers.filter(({ endsWithLease }) => endsWithLease) ?? [];
  await Promise.all(servers.map(({ uid }) => ownership.renewTerm(uid, { node, term })));
}

async function abort(
  sources: AgentRequestSources,
  node: string,
  request: RequestMessage & { kind: "migration.abort" },
): Promise<"committed" | "aborted"> {
  const { uid } = request;
  const operation = sources.ownership.get(uid)?.operation;
  const isForeign = operation?.id === request.operation && operation.source !== node && operation.target !== node;
  if (isForeign) throw fail("operation-unknown", { operation: request.operation });
  return sources.ownership.abort(uid, { id: request.operation, reason: `${node}: ${request.reason}` });
}

async function outcome(sources: AgentRequestSources, operation: string): Promise<Outcome> {
  const uid = serverOf(sources, operation);
  const decided = uid === undefined ? "undecided" : await sources.ownership.outcome(uid, operation);
  if (decided !== "undecided") return decided;
  // The record forgets after some moves; an ended Migration remembers what its record said.
  const phase = migrationOf(sources.store, operation)?.status?.phase;
  if (phase === "Succeeded" || phase === "Committed") return "committed";
  return phase === "Failed" || phase === "Cancelled" ? "aborted" : "undecided";
}

function serverOf(sources: AgentRequestSources, operation: string): string | undefined {
  const known = sources.ownership.serverOfOperation(operation);
  if (known !== undefined) return known;
  const migration = migrationOf(sources.store, operation);
  if (migration === undefined) return undefined;
  const { namespace } = migration.metadata;
  return sources.store.get(virtualServerKind, { namespace, name: migration.spec.server })?.metadata.uid;
}

function migrationOf(store: ObjectStore, uid: string): Migration | undefined {
  return store.list(migrationKind).items.find((migration) => migration.metadata.uid === uid);
}
