import type { ApiObject, Kind } from "@vfleet/shared";
import { z } from "zod";
import { fail } from "./errors.ts";
import type { Mirror } from "./mirror.ts";
import { orderOf } from "./object-key.ts";
import type { ListOptions, ObjectList } from "./object-store.ts";
import { parseSelectors } from "./selector.ts";

const tokenSchema = z.strictObject({ version: z.number().int().min(0), after: z.string() });

/** One page; later pages show the same version as the first, or the list ends with `expired`. */
export function listPage(mirror: Mirror, kind: Kind, options: ListOptions): ObjectList<ApiObject> {
  const token = options.continue === undefined || options.continue === "" ? undefined : decodeToken(options.continue);
  const version = token?.version ?? mirror.sequence;
  const objects = token === undefined ? mirror.list(kind) : mirror.listAt(kind, version);
  const matches = parseSelectors(kind, options);
  const selected = objects.filter(
    (object) =>
      (options.namespace === undefined || object.metadata.namespace === options.namespace) &&
      (token === undefined || orderOf(object.metadata) > token.after) &&
      (matches === undefined || matches(object)),
  );
  const limit = options.limit ?? 0;
  const resourceVersion = String(version);
  if (limit <= 0 || selected.length <= limit) return { items: selected, resourceVersion };
  const items = selected.slice(0, limit);
  const last = items.at(-1);
  const after = last === undefined ? "" : orderOf(last.metadata);
  return {
    items,
    resourceVersion,
    continue: encodeToken({ version, after }),
    remainingItemCount: selected.length - limit,
  };
}

function encodeToken(token: z.infer<typeof tokenSchema>): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function decodeToken(text: string): z.infer<typeof tokenSchema> {
  try {
    return tokenSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch (thrown) {
    throw fail("continue-invalid", { reason: "the token is not one of this server's" }, { cause: thrown });
  }
}
