import { registerHooks } from "node:module";
import { delimiter } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { messageOf } from "@vfleet/shared";
import type { Cli } from "../cli.ts";
import { fail } from "../fail.ts";

export interface ConfigOptions {
  kubeconfig?: string;
  context?: string;
}

/** The kubeconfig files in use, most important first; the last place is the one kubectl uses too. */
export function kubeconfigFiles(cli: Pick<Cli, "variables">, options: ConfigOptions): string[] {
  if (options.kubeconfig !== undefined) return [options.kubeconfig];
  const listed = (cli.variables["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  return listed.length > 0 ? listed : [`${cli.variables["HOME"] ?? ""}/.kube/config`];
}

/** Reads and merges the kubeconfig files as kubectl does: the first one to name a thing wins. */
export async function loadKubeConfig(cli: Pick<Cli, "variables">, options: ConfigOptions): Promise<KubeConfig> {
  const ClientKubeConfig = await importKubeConfig();
  const merged = new ClientKubeConfig();
  merged.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: "" });
  const files = kubeconfigFiles(cli, options);
  for (const file of files) {
    const one = new ClientKubeConfig();
    try {
      one.loadFromFile(file, { onInvalidEntry: "filter" as never }); // a value of its ActionOnInvalid, whose import loads the whole client
    } catch (thrown) {
      // As kubectl: files of a list, and the default one, may be missing.
      if (options.kubeconfig === undefined && isMissing(thrown)) continue;
      throw fail("kubeconfig-unreadable", { file, reason: messageOf(thrown) }, { cause: thrown });
    }
    const known = {
      clusters: namesOf(merged.clusters),
      users: namesOf(merged.users),
      contexts: namesOf(merged.contexts),
    };
    for (const cluster of one.clusters ?? []) if (!known.clusters.has(cluster.name)) merged.addCluster(cluster);
    for (const user of one.users ?? []) if (!known.users.has(user.name)) merged.addUser(user);
    for (const context of one.contexts ?? []) if (!known.contexts.has(context.name)) merged.addContext(context);
    // The library lets the last file's current context win, kubectl the first's.
    if (!merged.currentContext && one.currentContext) merged.setCurrentContext(one.currentContext);
  }
  if (options.context !== undefined) {
    if (merged.getContextObject(options.context) === null) throw fail("context-unknown", { context: options.context });
    merged.setCurrentContext(options.context);
  }
  return merged;
}

/**
 * The class alone. `config.js` takes two names from the index of 800 generated modules, which cost more time to load
 * than most commands run for; they are the same two in the modules that define them.
 */
async function importKubeConfig(): Promise<typeof KubeConfig> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "./gen/index.js" && context.parentURL?.endsWith("/@kubernetes/client-node/dist/config.js") === true
        ? next(new URL("lean-client-node.ts", import.meta.url).href, context)
        : next(specifier, context),
  });
  try {
    return (await import("@kubernetes/client-node/dist/config.js")).KubeConfig;
  } finally {
    hooks.deregister();
  }
}

function namesOf(entries: readonly { name: string }[] | undefined): Set<string> {
  return new Set((entries ?? []).map((entry) => entry.name));
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}
