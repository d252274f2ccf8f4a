import type { NatsConnection } from "nats";

const bucket = "vfleet-controller";
const key = "incarnation";
const attemptsMax = 100;
/** Assignments that one incarnation can number. */
const revisionsPerIncarnation = 1_000_000_000;

/** Counts this start of a controller, and returns the revision above all that earlier ones gave out. */
export async function nextFirstRevision(connection: NatsConnection, replicas: number): Promise<number> {
  const kv = await connection.jetstream().views.kv(bucket, { history: 1, replicas });
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
