import { z } from "zod";
import { codeOf, messageOf, VfleetError } from "../errors.ts";

const failureSchema = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** What every request over NATS is answered with. */
export const replySchema = z.union([
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({ ok: z.literal(false), error: failureSchema }),
]);
export type Reply = z.infer<typeof replySchema>;

export function replyOk(result: unknown = {}): Reply {
  return { ok: true, result };
}

export function replyError(thrown: unknown): Reply {
  const hint = thrown instanceof VfleetError ? thrown.hint : undefined;
  return {
    ok: false,
    error: { code: codeOf(thrown), message: messageOf(thrown), ...(hint === undefined ? {} : { hint }) },
  };
}

/** The result, parsed; or the error that the other side reported, with its code. */
export function resultOf<T>(reply: Reply, schema: z.ZodType<T>): T {
  if (reply.ok) return schema.parse(reply.result);
  throw new VfleetError(
    reply.error.code,
    reply.error.message,
    reply.error.hint === undefined ? {} : { hint: reply.error.hint },
  );
}
