import type { ApiClient } from "../api/api-client.ts";
import { usageError } from "../fail.ts";
import { type ResourceType, resolveTypes } from "./resource-type.ts";

/** One thing named on the command line: all of a type, or one object of it. */
export interface ResourceTarget {
  type: ResourceType;
  name?: string;
}

/** `vs`, `vs,no`, `vs web db`, `vs/web no/host-1`. */
export async function resolveArguments(words: readonly string[], client: ApiClient): Promise<ResourceTarget[]> {
  const slashed = words.filter((word) => word.includes("/"));
  if (slashed.length > 0 && slashed.length < words.length) {
    throw usageError(
      "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'vctl get resource/<resource_name>' instead of 'vctl get resource resource/<resource_name>'",
    );
  }
  const targets: ResourceTarget[] = [];
  if (slashed.length > 0) {
    for (const word of slashed) targets.push(await resolveOne(word, client));
    return targets;
  }
  const [typeWords = "", ...names] = words;
  for (const typeWord of typeWords.split(",")) {
    if (typeWord === "") throw usageError(`arguments in resource form must name a type, found "${typeWords}"`);
    for (const type of await resolveTypes(typeWord, client)) {
      if (names.length === 0) targets.push({ type });
      else for (const name of names) targets.push({ type, name });
    }
  }
  return targets;
}

/** `TYPE/NAME`, for flags and verbs that take exactly one object. */
export async function resolveOne(word: string, client: ApiClient): Promise<{ type: ResourceType; name: string }> {
  const [typeWord = "", name = "", ...rest] = word.split("/");
  if (typeWord === "" || name === "" || rest.length > 0) {
    throw usageError(`arguments in resource/name form must have a single resource and name, found "${word}"`);
  }
  const [type] = await resolveTypes(typeWord, client);
  if (type === undefined)
    throw usageError(`arguments in resource/name form must have a single resource and name, found "${word}"`);
  return { type, name };
}

/** A server's name, also when written as `vs/NAME`. */
export function serverName(word: string): string {
  const match = /^(?:vs|virtualservers?(?:\.vfleet\.dev)?)\/(.+)$/i.exec(word);
  return match?.[1] ?? word;
}

/** A node's name, also when written as `node/NAME`. */
export function nodeName(word: string): string {
  return /^(?:no|nodes?)\/(.+)$/i.exec(word)?.[1] ?? word;
}

/** `["app=web", "tier=db"]` -> `{app: "web", tier: "db"}`. Also comma-separated. `what` names the flag in errors. */
export function parsePairs(words: readonly string[], what: string): Record<string, string> {
  const pairs: [string, string][] = words.map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw usageError(`${what} must be KEY=VALUE, found "${word}"`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}
