import { existsSync } from "node:fs";
import { LabError } from "../lab-error.ts";
import { imageCacheFolder, labLayout } from "../layout.ts";
import { shellQuote } from "../shell-quote.ts";

/** What a shell needs to work with a lab. */
export function env(name: string): Readonly<Record<string, string>> {
  const lab = labLayout(name);
  if (!existsSync(lab.kubeconfig))
    throw new LabError("lab-unknown", `there is no lab "${name}"`, `Start it: lab up --hosts 3 --name ${name}`);
  return {
    KUBECONFIG: lab.kubeconfig,
    VFLEET_LAB: name,
    VFLEET_LAB_FOLDER: lab.folder,
    VFLEET_API_SOCKET: lab.apiSocket,
    VFLEET_TOKEN_FILE: lab.tokenFile,
    VFLEET_IMAGE_CACHE: imageCacheFolder,
    PATH: `${lab.binFolder}:`,
  };
}

/** Lines for `eval`; the PATH is put in front of what the shell has. */
export function envText(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) =>
      name === "PATH" ? `export PATH=${shellQuote(value)}"$PATH"\n` : `export ${name}=${shellQuote(value)}\n`,
    )
    .join("");
}
