import type { AnyObject } from "../api/objects.ts";
import { usageError } from "../fail.ts";
import { objectName, type ResourceType } from "../resource/resource-type.ts";
import { compileTemplate } from "./json-path.ts";
import { toJson, toYaml, withoutManagedFields } from "./structured.ts";

/** How objects are printed where not as a table. */
export type Formatter = (value: AnyObject | ObjectList) => string;

export interface ObjectList {
  apiVersion: "v1";
  kind: "List";
  metadata: { resourceVersion: "" };
  items: AnyObject[];
}

export function listOf(items: AnyObject[]): ObjectList {
  return { apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items };
}

/** For `-o`: `json`, `yaml`, `jsonpath=TEMPLATE`; undefined for the table formats. Throws `usage` for anything else. */
export function formatterOf(output: string | undefined, { managedFields = false } = {}): Formatter | undefined {
  const shown = (value: AnyObject | ObjectList) => {
    if (managedFields) return value;
    return isList(value) ? { ...value, items: value.items.map(withoutManagedFields) } : withoutManagedFields(value);
  };
  switch (output) {
    case undefined:
    case "wide":
    case "name":
      return undefined;
    case "json":
      return (value) => toJson(shown(value));
    case "yaml":
      return (value) => toYaml(shown(value));
    default: {
      if (!output.startsWith("jsonpath=")) {
        throw usageError(
          `unable to match a printer suitable for the output format "${output}", allowed formats are: json,jsonpath,name,wide,yaml`,
        );
      }
      return compileTemplate(output.slice("jsonpath=".length));
    }
  }
}

/** What a verb did to an object: `virtualserver.vfleet.dev/web created`, or the object as `-o` asks for it. */
export function resultText(
  { type, object, done }: { type: ResourceType; object: AnyObject; done: string },
  { output, dryRun = "none" }: { output?: string; dryRun?: DryRun },
): string {
  const formatter = formatterOf(output);
  if (formatter !== undefined) return formatter(object);
  const name = objectName(type, object.metadata.name);
  return output === "name" ? name : `${name} ${done}${dryRunText[dryRun]}`;
}

export type DryRun = "none" | "client" | "server";
const dryRunText: Record<DryRun, string> = { none: "", client: " (dry run)", server: " (server dry run)" };

function isList(value: AnyObject | ObjectList): value is ObjectList {
  return value.kind === "List" && "items" in value;
}
