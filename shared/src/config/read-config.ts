import { readFileSync } from "node:fs";
import { z } from "zod";
import { messageOf, VfleetError } from "../errors.ts";

/** Reads and checks a JSON configuration file. Throws `config-invalid`, naming the file, the member and the rule. */
export function readConfig<T>(file: string, schema: z.ZodType<T>): T {
  let text: string;
  let value: unknown;
  try {
    text = readFileSync(file, "utf8");
    value = JSON.parse(text);
  } catch (thrown) {
    throw new VfleetError("config-invalid", `Cannot read configuration "${file}": ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new VfleetError(
      "config-invalid",
      `Cannot use configuration "${file}": ${z.prettifyError(result.error).replaceAll("\n", "; ")}`,
    );
  }
  return result.data;
}
