import { askPages } from "../pages/page-server-protocol.ts";
import { moveModeSchema } from "@vfleet/shared";
import { z } from "zod";
import { fail } from "../errors.ts";
import { askRanges } from "../pages/fetch-progress.ts";

const count = z.number().int().min(0);
const text = z.string().max(4096);

export const identitySchema = z.strictObject({
  operation: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  server: z.string().max(256),
  source: z.string().max(253),
  target: z.string().max(253),
  epoch: count,
});

/** Control messages, both directions; one JSON object per frame of the control channel. */
const messageSchema = z.discriminatedUnion("type", [
  /** Source, first: who it is and what it may do. */
  z.strictObject({
    type: z.literal("hello"),
    ticket: z.string().max(128),
    identity: identitySchema,
    mode: moveModeSchema,
    criuVersion: z.string().max(64),
  }),
  /** Target: begin. */
  z.strictObject({ type: z.literal("welcome"), volumeBase: text.optional() }),
  /** Source: the volume channel carries this round now; the last one is of the frozen server. */
  z.strictObject({ type: z.literal("volume-begin"), round: count, frozen: z.boolean() }),
  /** Target: it was received whole. */
  z.strictObject({ type: z.literal("volume-received"), round: count }),
  /** Source: a round of memory was sent, so many processes and pages. */
  z.strictObject({ type: z.literal("round-sent"), round: count, images: count, pages: count }),
  /** Target: it has it whole. */
  z.strictObject({ type: z.literal("round-received"), round: count }),
  /** Source: no more rounds of memory; how the rest comes. */
  z.strictObject({ type: z.literal("rounds-ended"), mode: z.enum(["Precopy", "Hybrid"]) }),
  /** Source: everything was sent, so many page images and pages and files. */
  z.strictObject({ type: z.literal("complete"), images: count, pages: count, files: count }),
  /** Target: that came; it restores now. */
  z.strictObject({ type: z.literal("received") }),
  /** Target: the record says it owns the server now. */
  z.strictObject({ type: z.literal("committed") }),
  /** Target: the tasks run. */
  z.strictObject({ type: z.literal("running") }),
  /** Target, post-copy: these pages of a frozen process, in one frame; urgent ones first. */
  z.strictObject({
    type: z.literal("pages-wanted"),
    process: count,
    ranges: z.array(z.strictObject({ address: count, pages: count.min(1).max(askPages) })).max(askRanges),
    urgent: z.boolean(),
  }),
  /** Target, post-copy: it has every page; the source isn't needed any more. */
  z.strictObject({ type: z.literal("filled") }),
  /** Target: not here. */
  z.strictObject({ type: z.literal("refused"), reason: text }),
  /** Source: forget it. */
  z.strictObject({ type: z.literal("aborted"), reason: text }),
]);
export type Message = z.infer<typeof messageSchema>;

export function encodeMessage(message: Message): Buffer {
  return Buffer.from(JSON.stringify(message));
}

export function decodeMessage(payload: Buffer): Message {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch (thrown) {
    throw fail("stream-invalid", { reason: "a control message is no JSON" }, { cause: thrown });
  }
  const parsed = messageSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw fail("stream-invalid", {
    reason: `control message field ${issue?.path.join(".") || "(root)"}: ${issue?.message ?? "invalid"}`,
  });
}
