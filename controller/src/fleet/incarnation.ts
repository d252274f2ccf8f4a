import type { NatsConnection } from "nats";

const bucket = "vfleet-controller";
const key = "incarnation";
const attemptsMax = 100;
/** Assignments that one incarnation can number. */
const revisionsPerIncarnation = 1_000_000_000;

/** A bucket of JetStream's, or a simulated one. */
export interface CounterBucket {
  get(key: string): Promise<{ revision: number; string(): string } | null>;
  create(key: string, value: string): Promise<number>;
  update(key: string, value: string, revision: number): Promise<number>;
}

export function openIncarnations(connection: NatsConnection, replicas: number): Promise<CounterBucket> {
  return connection.jetstream().views.kv(bucket, { history: 1, replicas, allow_direct: false });
}

/** Counts each time that a controller begins to lead, and returns the revision above all that earlier ones gave out. */
export async function nextFirstRevision(kv: CounterBucket): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const entry = await kv.get(key);
    const next = (entry === null ? 0 : Number(entry.string())) + 1;
    try {
      await (entry === null ? kv.create(key, String(next)) : kv.update(key, String(next), entry.revision));
      return next * revisionsPerIncarnation;
    } catch (thrown) {
      if (attempt === attemptsMax) throw thrown;
    }
  }
}

/** Which controller, counted from the first that led, gives out revisions from this one on. */
export function epochOf(firstRevision: number): number {
  return firstRevision / revisionsPerIncarnation;
}
