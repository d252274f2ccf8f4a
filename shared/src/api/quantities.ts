import { z } from "zod";
import { messageOf } from "../errors.ts";
import { parseBytes, parseMilliCpu } from "../quantity.ts";

function quantity(parse: (text: string) => number, description: string) {
  return z
    .union([z.string(), z.number()])
    .transform((value) => String(value))
    .superRefine((text, context) => {
      try {
        parse(text);
      } catch (thrown) {
        context.addIssue({ code: "custom", message: messageOf(thrown) });
      }
    })
    .meta({ description });
}

/** Bytes, packets or counts: `512Mi`, `1G`, `4096`. Kept as text, parsed where it is used. */
export const bytesSchema = quantity(parseBytes, "An amount: a whole number with k, M, G, T, Ki, Mi, Gi or Ti");
/** CPUs: `2`, `0.5`, `250m`. */
export const cpuSchema = quantity(parseMilliCpu, "CPUs: a number such as 2 or 0.5, or thousandths such as 250m");
