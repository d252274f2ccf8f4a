import { run } from "./run.ts";

/** What the package proxy may reach, and through which proxy of the machine's. */
export interface AptSources {
  /** Host names, lower case. */
  readonly hosts: ReadonlySet<string>;
  readonly proxyFor: (url: URL) => URL | undefined;
}

/** Asks apt itself, which reads all formats of its sources. */
export async function readAptSources(environment: NodeJS.ProcessEnv): Promise<AptSources> {
  const [targets, settings] = await Promise.all([
    run(["apt-get", "indextargets", "--format", "$(REPO_URI)"]),
    run(["apt-config", "dump", "--format", "%F %v%n", "Acquire"]),
  ]);
  return { hosts: parseHosts(targets.stdout), proxyFor: proxyChooser(parseProxies(settings.stdout), environment) };
}

export function parseHosts(uris: string): ReadonlySet<string> {
  const urls = uris
    .split("\n")
    .filter((line) => URL.canParse(line))
    .map((line) => new URL(line));
  return new Set(
    urls.filter(({ protocol }) => protocol === "http:" || protocol === "https:").map(({ hostname }) => hostname),
  );
}

/** `Acquire::http::Proxy` and `Acquire::http::Proxy::HOST`, and the same for https; see apt-transport-http(1). */
export function parseProxies(settings: string): ReadonlyMap<string, string> {
  const proxies = new Map<string, string>();
  for (const line of settings.split("\n")) {
    const match = /^Acquire::(https?)::Proxy(?:::(\S+))? (\S*)$/i.exec(line.trim());
    if (match !== null) proxies.set(`${match[1]?.toLowerCase()} ${match[2]?.toLowerCase() ?? ""}`, match[3] ?? "");
  }
  return proxies;
}

/** As apt does: the host's own setting, the general one, then the environment; `DIRECT` means none. */
export function proxyChooser(
  proxies: ReadonlyMap<string, string>,
  environment: NodeJS.ProcessEnv,
): (url: URL) => URL | undefined {
  return ({ protocol, hostname }) => {
    const scheme = protocol.replace(":", "");
    const setting =
      proxies.get(`${scheme} ${hostname}`) ?? (proxies.get(`${scheme} `) || environment[`${scheme}_proxy`]);
    return setting === undefined || setting === "DIRECT" || !URL.canParse(setting) ? undefined : new URL(setting);
  };
}
