import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { messageOf } from "@vfleet/shared";
import type { Command } from "commander";
import { parseDocument } from "yaml";
import { globalOptions } from "../api/connect.ts";
import { kubeconfigFiles, loadKubeConfig } from "../api/kube-config.ts";
import { type Cli, print } from "../cli.ts";
import { fail, usageError } from "../fail.ts";
import { formatColumns } from "../output/columns.ts";
import { formatterOf } from "../output/format.ts";
import { toJson, toYaml } from "../output/structured.ts";

export function configureConfig(command: Command, cli: Cli): void {
  const contexts = command
    .command("get-contexts")
    .description("List the contexts")
    .argument("[name...]")
    .option("-o, --output <format>", "name")
    .option("--no-headers", "leave out the heading line");
  contexts.action(async (names: string[], options: { output?: string; headers?: boolean }) => {
    const config = await loadKubeConfig(cli, globalOptions(contexts));
    for (const name of names)
      if (config.getContextObject(name) === null) throw fail("context-unknown", { context: name });
    const listed = config.getContexts().filter(({ name }) => names.length === 0 || names.includes(name));
    if (options.output === "name") for (const { name } of listed) print(cli.output, name);
    else {
      const rows = listed.map(({ name, cluster, user, namespace }) => [
        name === config.getCurrentContext() ? "*" : "",
        name,
        cluster,
        user,
        namespace ?? "",
      ]);
      const heading = options.headers !== false ? [["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]] : [];
      for (const line of formatColumns([
        ...heading,
        ...rows.toSorted((a, b) => (a[1] ?? "").localeCompare(b[1] ?? "")),
      ]))
        print(cli.output, line);
    }
  });

  const current = command.command("current-context").description("Print the name of the context in use");
  current.action(async () => {
    const name = (await loadKubeConfig(cli, globalOptions(current))).getCurrentContext();
    if (!name) throw usageError("current-context is not set", "Set it with: vctl config use-context NAME");
    print(cli.output, name);
  });

  const use = command
    .command("use-context")
    .alias("use")
    .description("Use this context from now on")
    .argument("<name>");
  use.action(async (name: string) => {
    const options = globalOptions(use);
    const config = await loadKubeConfig(cli, options);
    if (config.getContextObject(name) === null) throw fail("context-unknown", { context: name });
    setCurrentContext(fileWithCurrentContext(kubeconfigFiles(cli, options)), name);
    print(cli.output, `Switched to context "${name}".`);
  });

  const view = command
    .command("view")
    .description("Print the merged kubeconfig, without its secrets")
    .option("-o, --output <format>", "yaml or json", "yaml")
    .option("--minify", "only what the context in use needs")
    .option("--raw", "with its secrets");
  view.action(async (options: { output: string; minify?: boolean; raw?: boolean }) => {
    formatterOf(options.output);
    const config = await loadKubeConfig(cli, globalOptions(view));
    const whole = JSON.parse(config.exportConfig()) as KubeConfigFile; // exported by the library in this shape
    const context = config.getContextObject(config.getCurrentContext());
    const shown =
      options.minify === true
        ? {
            ...whole,
            contexts: whole.contexts.filter(({ name }) => name === context?.name),
            clusters: whole.clusters.filter(({ name }) => name === context?.cluster),
            users: whole.users.filter(({ name }) => name === context?.user),
          }
        : whole;
    const safe = options.raw === true ? shown : withoutSecrets(shown);
    print(cli.output, options.output === "json" ? toJson(safe) : toYaml(safe));
  });
}

interface KubeConfigFile {
  contexts: { name: string }[];
  clusters: { name: string }[];
  users: { name: string }[];
}

const secretMembers = new Set([
  "token",
  "password",
  "client-key-data",
  "access-token",
  "id-token",
  "refresh-token",
  "client-secret",
]);

/** As kubectl: certificates are left out, secrets are struck out. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (typeof member === "string" && member !== "") {
        if (
          key.endsWith("-certificate-data") ||
          key === "certificate-authority-data" ||
          key === "client-certificate-data" ||
          key === "client-key-data"
        )
          return [key, "DATA+OMITTED"];
        if (secretMembers.has(key)) return [key, "REDACTED"];
      }
      return [key, withoutSecrets(member)];
    }),
  );
}

/** As kubectl: the file that sets it now, else the first. */
function fileWithCurrentContext(files: readonly string[]): string {
  return files.find((file) => readDocument(file)?.get("current-context")) ?? files[0] ?? "";
}

function setCurrentContext(file: string, name: string): void {
  const document = readDocument(file) ?? parseDocument("apiVersion: v1\nkind: Config\n");
  document.set("current-context", name);
  const draft = `${file}.${process.pid}.new`;
  try {
    // Whole or not at all, and for its owner only: it holds credentials.
    writeFileSync(draft, document.toString(), { mode: 0o600, flag: "wx" });
    renameSync(draft, file);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw fail("kubeconfig-unreadable", { file, reason: messageOf(thrown) }, { cause: thrown });
  }
}

function readDocument(file: string) {
  try {
    return parseDocument(readFileSync(file, "utf8"));
  } catch {
    return undefined; // missing, as files of a list may be
  }
}
