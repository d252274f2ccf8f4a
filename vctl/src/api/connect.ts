import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { print } from "../cli.ts";
import { ApiClient } from "./api-client.ts";
import { loadKubeConfig } from "./kube-config.ts";

/** Options every verb takes, before or after its name. */
export interface GlobalOptions {
  namespace?: string;
  context?: string;
  kubeconfig?: string;
}

export function addGlobalOptions(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "namespace to work in; default: that of the context")
    .option("--context <name>", "kubeconfig context to use")
    .option("--kubeconfig <file>", "kubeconfig file; default: KUBECONFIG, then ~/.kube/config");
}

export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

/** Another controller takes over within three. */
const defaultPatienceSeconds = 5;

/** The API server that the kubeconfig in use names. Nothing is sent yet. */
export async function connect(cli: Cli, command: Command): Promise<ApiClient> {
  const options = globalOptions(command);
  const seconds = Number(cli.variables["VFLEET_PATIENCE_SECONDS"] ?? defaultPatienceSeconds);
  return new ApiClient(await loadKubeConfig(cli, options), options.namespace, {
    forMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
    environment: cli.environment,
    onWait: (server) => print(cli.error, `No controller answers at ${server}, trying again for ${seconds} s`),
  });
}
