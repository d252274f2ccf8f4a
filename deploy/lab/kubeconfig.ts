import { readFileSync, writeFileSync } from "node:fs";
import { tlsFiles } from "./credentials.ts";
import type { LabLayout } from "./layout.ts";

export interface KubeconfigOptions {
  readonly context: string;
  readonly port: number;
  readonly authorityPem: string;
  readonly token: string;
}

/** A kubeconfig in JSON, which is YAML too: one cluster, one user, one context. */
export function kubeconfigText({ context, port, authorityPem, token }: KubeconfigOptions): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    clusters: [
      {
        name: context,
        cluster: {
          server: `https://127.0.0.1:${port}`,
          "certificate-authority-data": Buffer.from(authorityPem).toString("base64"),
        },
      },
    ],
    users: [{ name: context, user: { token } }],
    contexts: [{ name: context, context: { cluster: context, user: context, namespace: "default" } }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

export function writeKubeconfig(lab: LabLayout, port: number): void {
  const text = kubeconfigText({
    context: `lab-${lab.name}`,
    port,
    authorityPem: readFileSync(tlsFiles(lab, "ca").ca, "utf8"),
    token: readFileSync(lab.tokenFile, "utf8").trim(),
  });
  writeFileSync(lab.kubeconfig, text, { mode: 0o600 });
}
