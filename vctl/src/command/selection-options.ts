import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import type { ResourceType } from "../resource/resource-type.ts";

/** Which objects of a type, where no names are given. */
export interface SelectionOptions {
  allNamespaces?: boolean;
  selector?: string;
  fieldSelector?: string;
}

export function addSelectionOptions(command: Command): Command {
  return command
    .option("-A, --all-namespaces", "in all namespaces")
    .option("-l, --selector <query>", "only objects with these labels, such as app=web,tier!=db")
    .option("--field-selector <query>", "only objects with these members, such as status.nodeName=host-1");
}

export function selectionQuery(options: SelectionOptions): {
  labelSelector: string | undefined;
  fieldSelector: string | undefined;
} {
  return { labelSelector: options.selector, fieldSelector: options.fieldSelector };
}

/** Undefined: across all namespaces, or of a kind that has none. */
export function namespaceOf(client: ApiClient, type: ResourceType, options: SelectionOptions = {}): string | undefined {
  return type.namespaced && options.allNamespaces !== true ? client.namespace : undefined;
}

/** Repeatable flags collect their values. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
